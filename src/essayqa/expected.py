"""Expected questions: what readers ask of a document, and how near a question is to each.

Words that readers use and a text does not are the hardest part of finding its answers.
So a document may come with questions it is expected to get, each with the sentences that
answer it, or with none where the document is silent (document expansion, as in doc2query,
Nogueira et al., 2019, but written by hand). They are searched and never shown.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .models import OnnxAligner, OnnxEmbedder
from .types import Document, Expected, Vectors
from .vectors import hashed, load_arrays, normalised, save_arrays

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Progress = Callable[[int, int], None]

# `essay.questions.npz` beside `essay.md`: the vectors of its expected questions, so that
# nobody has to wait for them.
VECTORS = ".questions.npz"
BATCH = 64


def figures_in(text: str) -> frozenset[str]:
    """The years and other figures that a question names."""
    return frozenset(re.findall(r"\d+(?:[.,]\d+)*", text))


class ExpectedQuestions:
    """Expected questions with their vectors. Safe across threads."""

    def __init__(self, texts: Sequence[str], vectors: Mapping[str, tuple[Any, Any]]) -> None:
        import numpy as np

        self.texts = tuple(texts)
        self._meaning = normalised(np.stack([vectors[hashed(t)][0] for t in texts]))
        self._tokens = [vectors[hashed(t)][1] for t in texts]
        self._figures = [figures_in(text) for text in texts]

    def meanings(self, vectors: Vectors) -> Vectors:
        """The cosine of each with other questions' vectors, shape (others, 384) to
        (others, questions)."""
        cosines: Vectors = vectors @ self._meaning.T
        return cosines

    def other_figures(self, rows: NDArray[np.int64], figures: frozenset[str]) -> NDArray[np.bool_]:
        """Which of those at `rows` name figures, and none of `figures`; none if there are
        none: models hardly tell one year from the next."""
        import numpy as np

        return np.array(
            [bool(figures and self._figures[i]) and not figures & self._figures[i] for i in rows],
            dtype=bool,
        )

    def aligned(self, rows: NDArray[np.int64], tokens: Vectors) -> Vectors:
        """How well those at `rows` cover a question's tokens, shape (tokens, 384): the mean
        of the tokens' best cosines, shape (rows,)."""
        import numpy as np

        parts = [self._tokens[i] for i in rows]
        firsts = np.cumsum([0, *(len(part) for part in parts[:-1])])
        similar = normalised(np.concatenate(parts)) @ normalised(tokens @ _projection()).T
        covered: Vectors = np.maximum.reduceat(similar, firsts, axis=0).mean(axis=1)
        return covered


def vectors_file(folder: Path, document: Document) -> Path:
    """Where the vectors of a document's expected questions may come with it."""
    path = folder / document.path
    return path.with_name(path.stem + VECTORS)


def open_expected(
    expected: Sequence[Expected],
    files: Sequence[Path],
    embedder: OnnxEmbedder,
    aligner: OnnxAligner,
    progress: Progress | None = None,
) -> ExpectedQuestions:
    """The vectors of `expected`, from the first of `files` that hold them or made anew.

    What had to be made is written to the last of `files`. `progress(done, total)` counts
    the texts read.
    """
    version = f"{embedder.id} {aligner.id} {_fingerprint()}"
    texts = list(dict.fromkeys(e.text for e in expected))
    wanted = {hashed(text): text for text in texts}
    vectors: dict[str, tuple[Any, Any]] = {}
    for file in files:
        if not wanted.keys() <= vectors.keys():
            vectors |= _load(file, version)
    if missing := {key: text for key, text in wanted.items() if key not in vectors}:
        vectors |= _embed(missing, embedder, aligner, progress)
        _save(files[-1], version, {key: vectors[key] for key in wanted})
    return ExpectedQuestions([e.text for e in expected], vectors)


def _embed(
    texts: Mapping[str, str],
    embedder: OnnxEmbedder,
    aligner: OnnxAligner,
    progress: Progress | None,
) -> dict[str, tuple[Any, Any]]:
    made: dict[str, tuple[Any, Any]] = {}
    todo = list(texts.items())
    for first in range(0, len(todo), BATCH):
        batch = todo[first : first + BATCH]
        meanings = _small(embedder.embed_queries([text for _, text in batch]))
        tokens = aligner.embed_texts([text for _, text in batch])
        for (key, _), meaning, rows in zip(batch, meanings, tokens, strict=True):
            made[key] = (meaning, _small(normalised(rows @ _projection())))
        if progress:
            progress(first + len(batch), len(todo))
    return made


@cache
def _projection() -> Vectors:
    """The 64 directions that hold most of a token's vector, shape (384, 64): principal
    components of the tokens of reader questions, made by `python -m evals.projection`.
    They stand in for the last layer that the bundled export of ColBERT lacks."""
    import numpy as np

    matrix: Vectors = np.load(_projection_file()).astype(np.float32)
    return matrix


def _projection_file() -> Path:
    return Path(__file__).with_name("projection.npy")


@cache
def _fingerprint() -> str:
    return hashlib.sha256(_projection_file().read_bytes()).hexdigest()[:16]


def _small(rows: Vectors) -> Any:
    """Each row scaled to whole numbers from -127 to 127; `normalised` brings its direction back."""
    import numpy as np

    most = np.abs(rows).max(axis=1, keepdims=True)
    return np.round(rows * (127 / np.maximum(most, 1e-9))).astype(np.int8)


def _load(path: Path, version: str) -> dict[str, tuple[Any, Any]]:
    import numpy as np

    data = load_arrays(path, version)
    if not data:
        return {}
    tokens = np.split(data["tokens"], np.cumsum(data["lengths"])[:-1])
    return dict(zip(data["keys"].tolist(), zip(data["meaning"], tokens, strict=True), strict=True))


def _save(path: Path, version: str, vectors: Mapping[str, tuple[Any, Any]]) -> None:
    import numpy as np

    save_arrays(
        path,
        version,
        keys=np.array(list(vectors)),
        meaning=np.stack([meaning for meaning, _ in vectors.values()]),
        lengths=np.array([len(tokens) for _, tokens in vectors.values()]),
        tokens=np.concatenate([tokens for _, tokens in vectors.values()]),
    )
