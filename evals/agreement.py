"""Lists sentences of different briefs that speak of the same things, for a person to compare.

`python -m evals.agreement` prints pairs that share a year and several names, those that
also differ in a figure first. It judges nothing: two briefs may give two figures rightly.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import combinations

from essayqa import Config, EssayQA
from essayqa.evidence import read_sentences
from essayqa.expected import figures_in
from essayqa.types import Sentence

# How many names, of those that few sentences have, two sentences must share.
NAMES = 2
# A name in more sentences than this share says little.
COMMON = 0.06

_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_NAME = re.compile(r"\b[A-Z][\w’'-]+(?: [A-Z][\w’'-]+)*")


def pairs(sentences: Sequence[Sentence]) -> list[tuple[Sentence, Sentence, bool]]:
    """Pairs from different documents that share a year and rare names, and whether their
    other figures differ; those that differ first."""
    names = [set(_NAME.findall(s.text)) for s in sentences]
    often: dict[str, int] = {}
    for found in names:
        for name in found:
            often[name] = often.get(name, 0) + 1
    rare = [{n for n in found if often[n] <= COMMON * len(sentences)} for found in names]
    years = [set(_YEAR.findall(s.text)) for s in sentences]
    figures = [figures_in(s.text) - y for s, y in zip(sentences, years, strict=True)]
    listed = []
    for a, b in combinations(range(len(sentences)), 2):
        other = sentences[a].chunk.document_id != sentences[b].chunk.document_id
        if other and years[a] & years[b] and len(rare[a] & rare[b]) >= NAMES:
            differ = bool(figures[a] and figures[b] and not figures[a] & figures[b])
            listed.append((sentences[a], sentences[b], differ))
    return sorted(listed, key=lambda pair: not pair[2])


def main() -> None:
    engine = EssayQA(Config.from_env())
    sentences = [s for s in read_sentences(engine.index.chunks) if s.chunk.kind == "background"]
    found = pairs(sentences)
    for first, second, differ in found:
        print("DIFFERENT FIGURES" if differ else "same subject")
        for s in (first, second):
            print(f"  {s.chunk.document_id}: {s.text}")
    print(f"{len(found)} pairs, {sum(differ for _, _, differ in found)} with different figures")


if __name__ == "__main__":
    main()
