"""Question and passages to a draft of verbatim sentences."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .sentences import sentence_spans
from .types import Chunk, Draft, DraftSentence, Passage, Question, Reranker
from .voice import essay_voice

# Passages whose sentences are read one by one.
PASSAGES = 6
# A question is answered when its best sentence scores at least this much.
ANSWERS = 0.30
# Other sentences join it when they score at least `JOINS`, and `SHARE` of the best.
JOINS = 0.30
SHARE = 0.45
MOST = 4
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
    candidates = [c for p in passages[:PASSAGES] for c in _candidates(p.chunk, preceding)]
    candidates = [c for c in candidates if not _QUESTION.search(c.text)]
    scores = reranker.score(question.standalone, [c.read for c in candidates])
    ranked = sorted(zip(candidates, map(float, scores), strict=True), key=lambda pair: -pair[1])
    nearest = tuple(_drafted(c, score) for c, score in ranked[:NEAREST])
    if not ranked or ranked[0][1] < ANSWERS:
        return Draft((), nearest, "not_in_corpus")
    floor = max(JOINS, SHARE * ranked[0][1])
    chosen: dict[tuple[str, int], tuple[_Candidate, float]] = {}
    for candidate, score in ranked[:MOST]:
        if score < floor:
            break
        link: _Candidate | None = candidate
        while link:
            chosen.setdefault((link.chunk.document_id, link.start), (link, score))
            link = link.before
    drafted = [_drafted(c, score) for c, score in chosen.values()]
    rank = {p.chunk.document_id: i for i, p in reversed(list(enumerate(passages)))}
    drafted.sort(
        key=lambda d: (
            d.chunk.kind != "essay",
            rank.get(d.chunk.document_id, len(rank)),
            d.start,
        )
    )
    return Draft(tuple(drafted))


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
