"""Makes the vectors of expected questions that the bundled corpus comes with.

`python -m evals.vectors` writes `NAME.questions.npz` beside each `NAME.questions.jsonl`, so
that nobody has to wait for them at the first start. With `--projection` it first makes
`src/essayqa/projection.npy` anew: the 64 directions in which the tokens of those questions
differ most.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

import essayqa
from essayqa.config import bundled_corpus
from essayqa.corpus import load_corpus
from essayqa.expected import open_expected, vectors_file
from essayqa.models import OnnxAligner, OnnxEmbedder
from essayqa.progress import Bar

DIRECTIONS = 64
SAMPLE = 3000


def write_projection(texts: list[str], path: Path) -> None:
    tokens = np.concatenate(OnnxAligner().embed_texts(texts[:: max(1, len(texts) // SAMPLE)]))
    weights, directions = np.linalg.eigh(tokens.T @ tokens / len(tokens))
    print(f"{weights[-DIRECTIONS:].sum() / weights.sum():.3f} of the energy kept")
    np.save(path, directions[:, ::-1][:, :DIRECTIONS].astype(np.float16))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--projection", action="store_true")
    options = parser.parse_args()
    folder = bundled_corpus()
    documents = [document for document in load_corpus(folder) if document.expected]
    if options.projection:
        texts = sorted({e.text for document in documents for e in document.expected})
        write_projection(texts, Path(essayqa.__file__).with_name("projection.npy"))
    for document in documents:
        path = vectors_file(folder, document)
        with Bar(path.name) as bar:
            open_expected(document.expected, [path], OnnxEmbedder(), OnnxAligner(), bar)


if __name__ == "__main__":
    main()
