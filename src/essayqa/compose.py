"""Judged sentences to a draft: the few that answer, verbatim, or none."""

from __future__ import annotations

import math
from collections.abc import Sequence

from .sentences import asks, points
from .types import Draft, DraftSentence, Kind, Question, ScoredSentence, Sentence, Whole
from .voice import essay_voice

# How many sentences of each kind may be shown, before those they lean on.
MOST: dict[Kind, int] = {"essay": 4, "background": 2}
# Other sentences join the best of their kind when they rank at most this far below it.
MARGIN = 1.5
# Background is heard when its best ranks above the essay's; so far above, the essay has
# little to say and gets no more places than it.
FAR_AHEAD = 1.0
# A question is answered when its evidence is at least this likely to answer it: of 460
# questions labelled by people, half of them about other texts, 0.96 and 0.76 of the
# answerable are then answered, 0.51 and 0.47 of the others declined.
ANSWERS = 0.38
# Logistic regression on those questions: a constant, the best logit of the reranker, the
# best cosine of a sentence.
WEIGHTS = (-5.4828, 0.09078, 8.3419)
NEAREST = 3
# Fewer words than this ("This is not 1970.") state no argument by themselves.
FULL_SENTENCE = 7


def compose(question: Question, judged: Sequence[ScoredSentence]) -> Draft:
    """The few sentences that answer, essay first, each document's in its own order.

    `judged` comes best first. A sentence that leans on the one before it ("This was …")
    brings it along.
    """
    nearest = tuple(_drafted(s.sentence) for s in judged[:NEAREST])
    if question.evaluates:
        # What supporters believe does not say whether the plan will work.
        judged = [s for s in judged if not _is_reported(s.sentence)]
    essay, background = _of_kind(judged, "essay"), _of_kind(judged, "background")
    most = dict(MOST)
    if essay and background:
        ahead = background[0].rank - essay[0].rank
        if ahead < 0:
            most["background"] = 0
        elif ahead > FAR_AHEAD:
            most["essay"] = most["background"]
    chosen = [*_best(essay, most["essay"]), *_best(background, most["background"])]
    if not chosen:
        return Draft((), nearest, "not_in_corpus")
    return Draft(tuple(_in_order([scored.sentence for scored in chosen])))


def compose_whole(whole: Whole, sentences: Sequence[Sentence]) -> Draft:
    """What an essay argues, or concludes, in its author's own voice.

    `sentences` are the essay's, in reading order. Essays state their argument where the
    opening ends and where the last section begins, and conclude in the last paragraph.
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
    first, last = sentences[0].chunk.heading, stated[-1].chunk.heading
    end = [s for s in stated if s.chunk.id == stated[-1].chunk.id]
    if whole == "conclusion":
        return Draft(tuple(_in_order(end[:3])))
    opening = [s for s in stated if s.chunk.heading == first][-2:]
    turn = [s for s in stated if s.chunk.heading == last][:1]
    return Draft(tuple(_in_order([*opening, *turn, *end[:2]])))


def likelihood(judged: Sequence[ScoredSentence]) -> float:
    """How likely it is that these sentences hold an answer, in [0, 1]."""
    if not judged:
        return 0.0
    relevance = min(max(max(s.relevance for s in judged), 1e-5), 1 - 1e-5)
    similarity = max(s.similarity for s in judged)
    constant, per_logit, per_cosine = WEIGHTS
    logit = math.log(relevance / (1 - relevance))
    return 1 / (1 + math.exp(-(constant + per_logit * logit + per_cosine * similarity)))


def _is_reported(sentence: Sentence) -> bool:
    return sentence.chunk.kind == "essay" and essay_voice(sentence.text) == "reported"


def _of_kind(judged: Sequence[ScoredSentence], kind: Kind) -> list[ScoredSentence]:
    return [s for s in judged if s.sentence.chunk.kind == kind]


def _best(judged: Sequence[ScoredSentence], most: int) -> list[ScoredSentence]:
    """The best few, or none when together they are unlikely to answer."""
    if likelihood(judged) < ANSWERS:
        return []
    return [s for s in judged[:most] if s.rank >= judged[0].rank - MARGIN]


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
