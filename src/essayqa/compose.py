"""Judged sentences to a draft: the few that answer, verbatim, or none."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from Stemmer import Stemmer

from .sentences import asks, points
from .types import Draft, DraftSentence, Kind, Question, ScoredSentence, Sentence
from .voice import essay_voice

# How many sentences of each kind may be shown, before those they lean on.
MOST: dict[Kind, int] = {"essay": 4, "background": 2}
# Other sentences join the best of their kind when they rank at most this far below it.
MARGIN = 1.25
# Background is heard when its best ranks above the essay's; so far above, the essay has
# little to say and gets no more places than it.
FAR_AHEAD = 1.0
# A question is answered when its evidence is at least this likely to answer it. Cross-
# validated, between 0.35 and 0.40: of the tuning cases 0.83 to 0.77 of the answerable are
# answered and 0.70 to 0.77 of the others declined; of CLAPnq's 0.95 and 0.39 to 0.51.
ANSWERS = 0.38
# Logistic regression (evals/fit.py) on questions labelled by people: a constant, then one
# weight for each of `signals`.
WEIGHTS = (-10.4675, 0.1073, 8.1024, 5.0157, 1.244)
# How many of the best sentences together have to cover what is asked.
TOP = 3
# The focus signal of a question whose focus is named outright, or that has none.
NAMED = 0.9
NEAREST = 3
# Fewer words than this ("This is not 1970.") state no argument by themselves.
FULL_SENTENCE = 7
# How many sentences tell a section.
SECTION = 5


def compose(
    question: Question, judged: Sequence[ScoredSentence], threshold: float = ANSWERS
) -> Draft:
    """The few sentences that answer, essay first, each document's in its own order.

    `judged` comes best first. Each kind of document is heard if its sentences are likely
    enough to answer (`threshold`). A sentence that leans on the one before it ("This
    was …") brings it along.
    """
    nearest = tuple(_drafted(s.sentence) for s in judged[:NEAREST])
    if question.evaluates:
        # What supporters believe does not say whether the plan will work.
        judged = [s for s in judged if not _is_reported(s.sentence)]
    likely: dict[Kind, list[ScoredSentence]] = {}
    for kind in MOST:
        of_kind = [s for s in judged if s.sentence.chunk.kind == kind]
        if of_kind and likelihood(question, of_kind) >= threshold:
            likely[kind] = of_kind
    if not likely:
        return Draft((), nearest, "not_in_corpus")
    most = dict(MOST)
    if len(likely) == len(MOST):
        ahead = likely["background"][0].rank - likely["essay"][0].rank
        if ahead < 0:
            most["background"] = 0
        elif ahead > FAR_AHEAD:
            most["essay"] = most["background"]
    chosen = [
        scored.sentence
        for kind, ranked in likely.items()
        for scored in ranked[: most[kind]]
        if scored.rank >= ranked[0].rank - MARGIN
    ]
    return Draft(tuple(_in_order(chosen)))


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


def signals(question: Question, judged: Sequence[ScoredSentence]) -> tuple[float, ...]:
    """What tells an answer from a near miss: the reranker's best logit, the best cosine of
    a sentence, how well the best few cover the focus of the question where they do not
    name it, and how well they cover its two least covered terms."""
    relevance = min(max(max(s.relevance for s in judged), 1e-5), 1 - 1e-5)
    similarity = max(s.similarity for s in judged)
    top = judged[:TOP]
    cover = [max(cosines) for cosines in zip(*(s.cover for s in top), strict=True)]
    stem = Stemmer("english").stemWord
    words = " ".join(s.sentence.with_lead for s in top).lower()
    named = {stem(word) for word in re.findall(r"\w+", words)}
    terms = [question.search[t.start : t.end].lower() for t in question.terms]
    focus = [
        cosine
        for span, term, cosine in zip(question.terms, terms, cover, strict=True)
        if span in question.focus and stem(term) not in named
    ]
    weakest = sorted(cover)[:2] or [NAMED]
    return (
        math.log(relevance / (1 - relevance)),
        similarity,
        min(focus, default=NAMED),
        sum(weakest) / len(weakest),
    )


def likelihood(question: Question, judged: Sequence[ScoredSentence]) -> float:
    """How likely it is that these sentences hold an answer, in [0, 1]."""
    if not judged:
        return 0.0
    constant, *weights = WEIGHTS
    values = signals(question, judged)
    total = constant + sum(w * v for w, v in zip(weights, values, strict=True))
    return 1 / (1 + math.exp(-total))


def _is_reported(sentence: Sentence) -> bool:
    return sentence.chunk.kind == "essay" and essay_voice(sentence.text) == "reported"


def _in_order(chosen: Sequence[Sentence]) -> list[DraftSentence]:
    """The sentences and those they lean on: the essay's, then by best document, each
    document's in reading order."""
    found: dict[tuple[str, int], Sentence] = {}
    for sentence in chosen:
        link: Sentence | None = sentence
        while link:
            found.setdefault((link.chunk.document_id, link.start), link)
            # A lead brings its own lead along only if it is all pronoun ("This was …").
            link = link.lead if link is sentence or points(link.text) else None
    first = {d: i for i, d in enumerate(dict.fromkeys(d for d, _ in found))}
    ordered = sorted(
        found.items(),
        key=lambda item: (item[1].chunk.kind != "essay", first[item[0][0]], item[0][1]),
    )
    return [_drafted(sentence) for _, sentence in ordered]


def _drafted(sentence: Sentence) -> DraftSentence:
    background = sentence.chunk.kind == "background"
    return DraftSentence(sentence, "background" if background else essay_voice(sentence.text))
