"""Question and passages to a draft of verbatim sentences."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .sentences import sentence_spans
from .types import Chunk, Draft, DraftSentence, Kind, Passage, Question, Reranker
from .voice import essay_voice

# How many of the best passages of each kind are read sentence by sentence.
READ: dict[Kind, int] = {"essay": 6, "background": 4}
# How many sentences of each kind may be shown, before those they lean on.
MOST: dict[Kind, int] = {"essay": 3, "background": 2}
# A question is answered when its best sentence scores at least this much.
ANSWERS = 0.05
# Other sentences join the best of their kind when they have this share of its score.
SHARE = 0.25
# Background joins an answer from the essay only when it is this good.
BACKGROUND_JOINS = 0.80
NEAREST = 3

# A sentence leans on the one before when its subject, after any opening phrase, is only
# a pronoun or a pointing word.
_LEANS = re.compile(
    r"(?:(?:yet|but|and|so|still|then|moreover|furthermore|likewise|instead|however|also),? "
    r"|[^,.;]{1,40}, )?"
    r"(?:it|he|she|they|this|that|these|those|such|his|her|its|their|both (?!\w+ and )"
    r"|all (?:two|three|four))\b",
    re.IGNORECASE,
)
_QUESTION = re.compile(r"\?[\"'”’)\]]*$")


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A sentence of a passage; `before` is the sentence it leans on, if it does."""

    chunk: Chunk
    start: int
    end: int
    text: str
    before: _Candidate | None = None

    @property
    def read(self) -> str:
        """The sentence as a reader meets it: after what it leans on."""
        return f"{self.before.text} {self.text}" if self.before else self.text


def compose(
    question: Question,
    passages: Sequence[Passage],
    preceding: Callable[[Chunk], Chunk | None],
    reranker: Reranker,
) -> Draft:
    """The few sentences that answer, verbatim, essay first, each in document order.

    `preceding` gives the chunk before another in its section. A sentence that leans on
    the one before it ("This was …") is scored with it and brings it along.
    """
    read = [p for kind, count in READ.items() for p in _of_kind(passages, kind)[:count]]
    candidates = [c for p in read for c in _candidates(p.chunk, preceding)]
    candidates = [c for c in candidates if not _QUESTION.search(c.text)]
    scores = reranker.score(question.standalone, [c.read for c in candidates])
    ranked = sorted(zip(candidates, map(float, scores), strict=True), key=lambda pair: -pair[1])
    nearest = tuple(_drafted(c, score) for c, score in ranked[:NEAREST])
    essay = _best([pair for pair in ranked if pair[0].chunk.kind == "essay"], ANSWERS, "essay")
    floor = BACKGROUND_JOINS if essay else ANSWERS
    background = _best(
        [pair for pair in ranked if pair[0].chunk.kind == "background"], floor, "background"
    )
    if not essay and not background:
        return Draft((), nearest, "not_in_corpus")
    return Draft((*essay, *background))


def _of_kind(passages: Sequence[Passage], kind: Kind) -> list[Passage]:
    return [passage for passage in passages if passage.chunk.kind == kind]


def _best(
    ranked: Sequence[tuple[_Candidate, float]], floor: float, kind: Kind
) -> list[DraftSentence]:
    """The best few of one kind, with those they lean on, best document first and each
    document's in its own order; none when the best is below `floor`."""
    if not ranked or ranked[0][1] < floor:
        return []
    floor = max(floor, SHARE * ranked[0][1])
    chosen: dict[tuple[str, int], DraftSentence] = {}
    for candidate, score in ranked[: MOST[kind]]:
        link = candidate if score >= floor else None
        while link:
            chosen.setdefault((link.chunk.document_id, link.start), _drafted(link, score))
            link = link.before
    documents = dict.fromkeys(d.chunk.document_id for d in chosen.values())
    first = {document_id: i for i, document_id in enumerate(documents)}
    return sorted(chosen.values(), key=lambda d: (first[d.chunk.document_id], d.start))


def _candidates(
    chunk: Chunk, preceding: Callable[[Chunk], Chunk | None], depth: int = 2
) -> list[_Candidate]:
    found: list[_Candidate] = []
    for span in sentence_spans(chunk.text):
        text = chunk.text[span.start : span.end]
        before: _Candidate | None = None
        if _LEANS.match(text):
            if found:
                before = found[-1]
            elif depth and (other := preceding(chunk)):
                before = next(reversed(_candidates(other, preceding, depth - 1)), None)
        found.append(
            _Candidate(chunk, chunk.start + span.start, chunk.start + span.end, text, before)
        )
    return found


def _drafted(candidate: _Candidate, score: float) -> DraftSentence:
    chunk = candidate.chunk
    return DraftSentence(
        text=candidate.text,
        chunk=chunk,
        start=candidate.start,
        end=candidate.end,
        voice="background" if chunk.kind == "background" else essay_voice(candidate.text),
        score=score,
    )
