"""Judgements to a draft: the few sentences that answer, verbatim, or none."""

from __future__ import annotations

import re
from collections.abc import Sequence, Set

from .sentences import asks, points
from .types import Draft, DraftSentence, Judgement, Kind, Question, Sentence
from .voice import drafted, essay_voice

# How many sentences of each kind may be shown, before those they lean on.
MOST: dict[Kind, int] = {"essay": 5, "background": 2}
# A sentence is shown if this likely to belong to the answer, and the likeliest always.
BELONGS = 0.2
# A group of documents is heard if this likely to answer. One half is where the weights put
# the share of answerable questions that they were fitted to let through. Background has
# to be surer: on the same subject as the essay, it seems to answer what nothing does.
ANSWERS = 0.5
SURER = 0.3
# And where the essay is heard, by this much surer than it to be heard beside it.
AHEAD = 0.1
NEAREST = 3
# Fewer words than this ("This is not 1970.") state no argument by themselves.
FULL_SENTENCE = 7
# How many sentences tell a section.
SECTION = 5


def compose(
    question: Question, judgements: Sequence[Judgement], threshold: float = ANSWERS
) -> Draft:
    """The few sentences that answer, essay first, each document's in its own order.

    Each group of documents is heard if it is likely enough to answer (`threshold`). A
    sentence that leans on the one before it ("This was …", "They embraced …") brings it
    along, unless the question names whom it means.
    """
    every = [scored for judgement in judgements for scored in judgement.sentences]
    nearest = sorted(every, key=lambda scored: -scored.chance)[:NEAREST]
    heard = _heard(judgements, threshold)
    if not any(judgement.sentences for judgement in heard):
        return Draft((), tuple(drafted(s.sentence) for s in nearest), "not_in_corpus")
    chosen = []
    for kind, most in MOST.items():
        ranked = sorted(
            (s for j in heard if j.kind == kind for s in j.sentences), key=lambda s: -s.chance
        )[:most]
        chosen += [s.sentence for s in ranked if s is ranked[0] or s.chance >= BELONGS]
    chosen += _verdicts(chosen, [s.sentence for s in every])
    asked = set(re.findall(r"\w+", question.search.lower()))
    return Draft(tuple(_in_order(chosen, asked)))


def _verdicts(chosen: Sequence[Sentence], sentences: Sequence[Sentence]) -> list[Sentence]:
    """The author's short word on a view that is shown ("That is short-sighted."): without
    it, what the essay only reports would stand unanswered."""
    reported = {
        (s.chunk.document_id, s.start)
        for s in chosen
        if s.chunk.kind == "essay" and essay_voice(s.text) == "reported"
    }
    return [
        s
        for s in sentences
        if s.lead
        and (s.chunk.document_id, s.lead.start) in reported
        and len(s.text.split()) < FULL_SENTENCE
        and essay_voice(s.text) == "author"
    ]


def likely(judgements: Sequence[Judgement], threshold: float = ANSWERS) -> list[DraftSentence]:
    """The sentences of the groups that are heard, likeliest first: what a language model
    may choose among."""
    heard = [s for j in _heard(judgements, threshold) for s in j.sentences]
    return [drafted(s.sentence) for s in sorted(heard, key=lambda s: -s.chance)]


def _heard(judgements: Sequence[Judgement], threshold: float) -> list[Judgement]:
    """The groups that are likely enough to answer, the essay's first."""
    heard = [
        j for j in judgements if j.answers >= threshold + (SURER if j.kind == "background" else 0.0)
    ]
    if essay := [j for j in heard if j.kind == "essay"]:
        surest = max(j.answers for j in essay)
        heard = [*essay, *(j for j in heard if j not in essay and j.answers >= surest + AHEAD)]
    return heard


def compose_whole(question: Question, sentences: Sequence[Sentence]) -> Draft:
    """What an essay, or a section that the question names, argues in its author's voice.

    `sentences` are the essay's, in reading order. Essays state their argument where the
    opening ends and where the last section begins, and conclude in the last paragraph; a
    section is told by the first sentence of each of its paragraphs.
    """
    stated = [
        s
        for s in sentences
        if len(s.text.split()) >= FULL_SENTENCE
        and essay_voice(s.text) == "author"
        and not asks(s.text)
    ]
    if not stated:
        return Draft((), (), "not_in_corpus")
    asked = question.text.lower()
    headings = {s.chunk.heading for s in stated if " " in s.chunk.heading}
    named = next((heading for heading in headings if heading.lower() in asked), None)
    first, last = sentences[0].chunk.heading, stated[-1].chunk.heading
    end = [s for s in stated if s.chunk.id == stated[-1].chunk.id]
    if named:
        section = [s for s in stated if s.chunk.heading == named]
        chosen = list({s.chunk.id: s for s in reversed(section)}.values())[::-1][:SECTION]
    elif question.whole == "opening":
        chosen = [s for s in stated if s.chunk.heading == first][:3]
    elif question.whole == "conclusion":
        chosen = end[:3]
    else:
        opening = [s for s in stated if s.chunk.heading == first][-2:]
        turn = [s for s in stated if s.chunk.heading == last][:1]
        chosen = [*opening, *turn, *end[:2]]
    return Draft(tuple(_in_order(chosen)))


def _in_order(chosen: Sequence[Sentence], asked: Set[str] = frozenset()) -> list[DraftSentence]:
    """The sentences and those they lean on: the essay's, then by best document, each
    document's in reading order. `asked` are the words of the question."""
    found: dict[tuple[str, int], Sentence] = {}
    for sentence in chosen:
        link: Sentence | None = sentence
        while link:
            found.setdefault((link.chunk.document_id, link.start), link)
            # A lead brings its own lead along only if it is all pronoun ("This was …").
            follow = points(link.text) or (link is sentence and not _named(link, asked))
            link = link.lead if follow else None
    first = {d: i for i, d in enumerate(dict.fromkeys(d for d, _ in found))}
    ordered = sorted(
        found.items(),
        key=lambda item: (item[1].chunk.kind != "essay", first[item[0][0]], item[0][1]),
    )
    return [drafted(sentence) for _, sentence in ordered]


def _named(sentence: Sentence, asked: Set[str]) -> bool:
    """Whether the question names someone or something that a sentence's lead is about."""
    names = re.findall(r"(?<!^)\b[A-Z]\w+", sentence.lead.text if sentence.lead else "")
    return any(name.lower() in asked for name in names)
