"""Which sentences answer: hand-made judgements in, drafts out."""

from __future__ import annotations

import pytest

from essayqa.chunks import chunk_document
from essayqa.compose import compose, compose_whole, likelihood
from essayqa.evidence import read_sentences
from essayqa.types import Document, Draft, Question, ScoredSentence, Sentence, Span, Whole

ESSAY = Document(
    id="essay",
    title="The plan",
    kind="essay",
    path="essay.md",
    text="""Trump believes that Russia will turn away from China in the end.

The conditions that made the old plan work are gone for good now. Copying it in a world of many
powers is likely to fail again.

## Then

China was alone in 1970. This was a key factor in the success of the opening. It was desperate.

## Now

The deepest flaw in the plan is that it takes the world for bipolar. Trade is large today.

Nobody should believe that history can be repeated at will. Trying to split them is a mistake
that cannot be mended. So must the plan.
""",
)
BRIEF = Document(
    id="brief", title="Trade", kind="background", path="b.md", text="Trade was $245bn in 2024."
)
SENTENCES = [s for d in (ESSAY, BRIEF) for s in read_sentences(chunk_document(d))]
QUESTION = Question("Why?", "Why?", "Why?")


def sentence(start: str) -> Sentence:
    return next(s for s in SENTENCES if s.text.startswith(start))


def judged(*scores: tuple[str, float], relevance: float = 0.9) -> list[ScoredSentence]:
    found = [ScoredSentence(sentence(s), rank, relevance, 0.8) for s, rank in scores]
    return sorted(found, key=lambda s: -s.rank)


def shown(draft: Draft) -> list[str]:
    return [d.sentence.text.split()[0] for d in draft.sentences]


def test_a_sentence_that_leans_brings_what_it_leans_on_and_no_more() -> None:
    draft = compose(QUESTION, judged(("It was desperate", 3.0)))
    assert shown(draft) == ["China", "This", "It"]
    draft = compose(QUESTION, judged(("This was a key", 3.0)))
    assert shown(draft) == ["China", "This"]


def test_the_essay_comes_first_and_each_in_reading_order() -> None:
    draft = compose(
        QUESTION,
        judged(("Trade was $245bn", 4.0), ("Trade is large", 3.5), ("The conditions", 3.2)),
    )
    assert [d.sentence.chunk.document_id for d in draft.sentences] == ["essay", "essay", "brief"]
    assert shown(draft) == ["The", "Trade", "Trade"]


def test_background_that_ranks_below_the_essay_stays_out() -> None:
    draft = compose(QUESTION, judged(("Trade is large", 4.0), ("Trade was $245bn", 3.5)))
    assert [d.voice for d in draft.sentences] == ["author"]


def test_sentences_far_below_the_best_stay_out() -> None:
    draft = compose(QUESTION, judged(("China was alone", 4.0), ("Trade is large", 1.0)))
    assert shown(draft) == ["China"]


def test_unlikely_evidence_is_no_answer_but_is_shown_as_nearest() -> None:
    weak = [ScoredSentence(sentence("China was alone"), 2.0, 0.001, 0.4)]
    draft = compose(QUESTION, weak)
    assert (draft.sentences, draft.reason) == ((), "not_in_corpus")
    assert [d.sentence.text for d in draft.nearest] == ["China was alone in 1970."]
    assert compose(QUESTION, []).reason == "not_in_corpus"


def test_a_verdict_on_the_plan_is_not_what_its_supporters_believe() -> None:
    # "Will it work?" answered with "Trump believes that it will" is the gravest error.
    asks = Question("Will it work?", "Will it work?", "Will it work?", evaluates=True)
    scores = judged(("Trump believes", 4.0), ("Copying it", 3.0))
    assert shown(compose(asks, scores)) == ["Copying"]
    assert shown(compose(QUESTION, scores))[0] == "Trump"


@pytest.mark.parametrize(
    ("whole", "starts"),
    [
        ("gist", ["The conditions", "Copying", "The deepest flaw", "Nobody", "Trying"]),
        ("conclusion", ["Nobody", "Trying"]),
        ("opening", ["The conditions", "Copying"]),
    ],
)
def test_an_essay_as_a_whole_is_told_in_its_authors_voice(whole: Whole, starts: list[str]) -> None:
    essay = [s for s in SENTENCES if s.chunk.kind == "essay"]
    draft = compose_whole(Question("Sum it up", "", "", whole=whole), essay)
    texts = [d.sentence.text for d in draft.sentences]
    assert all(text.startswith(start) for text, start in zip(texts, starts, strict=True)), texts
    assert {d.voice for d in draft.sentences} == {"author"}


@pytest.mark.parametrize("relevance", [0.0, 1.0])
def test_likelihood_holds_at_the_ends_of_the_scale(relevance: float) -> None:
    one = ScoredSentence(sentence("China was alone"), 0.0, relevance, 0.5)
    assert 0 < likelihood(QUESTION, [one]) < 1
    assert likelihood(QUESTION, []) == 0


def test_a_near_miss_is_less_likely_than_an_answer() -> None:
    # Every name is shared, but nothing says how many ships: the focus is not covered.
    text = "How many ships did China own?"
    asked = Question(text, text, text, terms=(Span(9, 14), Span(19, 24)), focus=(Span(9, 14),))
    one = sentence("China was alone")
    misses = [ScoredSentence(one, 2.0, 0.9, 0.7, (0.6, 0.9))]
    covers = [ScoredSentence(one, 2.0, 0.9, 0.7, (0.9, 0.9))]
    assert likelihood(asked, misses) < likelihood(asked, covers)


def test_a_section_named_in_the_question_is_told_by_its_paragraphs() -> None:
    document = Document(
        id="essay",
        title="The plan",
        kind="essay",
        path="essay.md",
        text="""The opening says nothing much that anyone would need.

## Stronger together

The first of the reasons is that both need trade badly. It grows.

The second of the reasons is that both dislike the dollar.

## The end

Everything else in this short text stands elsewhere, as it must.
""",
    )
    sentences = read_sentences(chunk_document(document))
    asked = Question("Sum up 'Stronger together'", "", "", whole="gist")
    assert shown(compose_whole(asked, sentences)) == ["The", "The"]


def test_background_answers_when_the_essay_only_ranks_first() -> None:
    # The essay's best ranks higher but is unlikely to answer: it must not silence a source.
    weak = ScoredSentence(sentence("China was alone"), 5.0, 0.001, 0.3)
    strong = ScoredSentence(sentence("Trade was $245bn"), 4.0, 0.99, 0.8)
    draft = compose(QUESTION, [weak, strong])
    assert [d.sentence.chunk.document_id for d in draft.sentences] == ["brief"]
