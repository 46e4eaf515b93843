"""Which sentences answer: hand-made judgements in, drafts out."""

from __future__ import annotations

import pytest

from essayqa.chunks import chunk_document
from essayqa.compose import compose, compose_whole
from essayqa.evidence import read_sentences
from essayqa.types import (
    Document,
    Draft,
    Judgement,
    Kind,
    Question,
    ScoredSentence,
    Sentence,
    Whole,
)

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


def judged(kind: Kind, *chances: tuple[str, float], answers: float = 0.9) -> Judgement:
    found = [ScoredSentence(sentence(start), chance) for start, chance in chances]
    return Judgement(kind, answers, tuple(sorted(found, key=lambda s: -s.chance)))


def shown(draft: Draft) -> list[str]:
    return [d.sentence.text.split()[0] for d in draft.sentences]


def test_a_sentence_that_leans_brings_what_it_leans_on_and_no_more() -> None:
    draft = compose(QUESTION, [judged("essay", ("It was desperate", 0.8))])
    assert shown(draft) == ["China", "This", "It"]
    draft = compose(QUESTION, [judged("essay", ("This was a key", 0.8))])
    assert shown(draft) == ["China", "This"]


def test_a_lead_stays_out_when_the_question_names_whom_the_sentence_means() -> None:
    text = "Was Kissinger's China desperate?"
    asked = Question(text, text, text)
    assert shown(compose(asked, [judged("essay", ("It was desperate", 0.8))])) == [
        "China",
        "This",
        "It",
    ]
    # "This was …" points at what was said before, whoever is named.
    text = "Was China alone?"
    asked = Question(text, text, text)
    assert shown(compose(asked, [judged("essay", ("This was a key", 0.8))])) == ["China", "This"]


def test_a_view_the_essay_reports_is_not_shown_without_the_authors_word_on_it() -> None:
    text = "Trump believes that sanctions bind Russia to China. That assumption is naive.\n"
    document = Document(id="e", title="E", kind="essay", path="e.md", text=text)
    view, verdict = read_sentences(chunk_document(document))
    chances = (ScoredSentence(view, 0.9), ScoredSentence(verdict, 0.01))
    draft = compose(QUESTION, [Judgement("essay", 0.9, chances)])
    assert [d.voice for d in draft.sentences] == ["reported", "author"]


def test_an_answer_is_told_in_reading_order() -> None:
    draft = compose(QUESTION, [judged("essay", ("Trade is large", 0.9), ("The conditions", 0.5))])
    assert shown(draft) == ["The", "Trade"]


def test_background_stays_out_of_what_the_essay_answers() -> None:
    brief = judged("background", ("Trade was $245bn", 0.9), answers=0.99)
    draft = compose(QUESTION, [judged("essay", ("Trade is large", 0.5)), brief])
    assert [d.voice for d in draft.sentences] == ["author"]
    assert shown(compose(QUESTION, [brief])) == ["Trade"]


def test_background_that_is_much_surer_is_heard_beside_the_essay() -> None:
    # "What was trade in 2024?": the essay's near-by sentence must not hide the figure.
    brief = judged("background", ("Trade was $245bn", 0.9), answers=0.95)
    draft = compose(QUESTION, [judged("essay", ("Trade is large", 0.5), answers=0.6), brief])
    assert [d.sentence.chunk.document_id for d in draft.sentences] == ["essay", "brief"]


def test_background_needs_to_be_surer_than_the_essay() -> None:
    # A near miss is what a shelf of sources on the same subject seems to answer.
    assert compose(QUESTION, [judged("essay", ("Trade is large", 0.5), answers=0.6)]).sentences
    assert not compose(QUESTION, [judged("background", ("Trade was", 0.5), answers=0.6)]).sentences


def test_sentences_that_hardly_belong_stay_out_but_the_best_never() -> None:
    draft = compose(QUESTION, [judged("essay", ("China was alone", 0.15), ("Trade is large", 0.1))])
    assert shown(draft) == ["China"]


def test_unlikely_evidence_is_no_answer_but_is_shown_as_nearest() -> None:
    draft = compose(QUESTION, [judged("essay", ("China was alone", 0.9), answers=0.1)])
    assert (draft.sentences, draft.reason) == ((), "not_in_corpus")
    assert [d.sentence.text for d in draft.nearest] == ["China was alone in 1970."]
    assert compose(QUESTION, []).reason == "not_in_corpus"


def test_background_answers_when_the_essay_only_seems_to() -> None:
    # The essay's best looks better but is unlikely to answer: it must not silence a source.
    weak = judged("essay", ("China was alone", 0.9), answers=0.1)
    draft = compose(QUESTION, [weak, judged("background", ("Trade was $245bn", 0.4))])
    assert [d.sentence.chunk.document_id for d in draft.sentences] == ["brief"]


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
