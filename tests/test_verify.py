"""Drafts to answers: every number points at its own exact span, or nothing is shown."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from essayqa import Answer, IndexStoreError
from essayqa.chunks import chunk_document
from essayqa.types import Document, Draft, DraftSentence, Kind, Question, Sentence, Voice
from essayqa.verify import escape_markdown, verify

ESSAY = Document(
    id="essay",
    title="The essay's title",
    kind="essay",
    text="# Part one\n\nIt will fail. Trade tops $200bn.\n\nRussia needs China.\n",
    url="https://essay.example",
    path="essay.md",
)
BRIEF = Document(
    id="brief",
    title="A brief",
    kind="background",
    text="## Numbers\n\nTrade was $245bn in 2024. It fell in 2025.\n",
    path="background/brief.md",
)
DOCUMENTS = {d.id: d for d in (ESSAY, BRIEF)}
QUESTION = Question("Why not?", "Will it work? Why not?", "Will it work? Why not?")


def says(document: Document, quote: str) -> DraftSentence:
    """The draft sentence that quotes `document`, from the chunk that holds it."""
    start = document.text.index(quote)
    chunk = next(c for c in chunk_document(document) if c.start <= start < c.end)
    voice: Voice = "background" if document.kind == "background" else "author"
    return DraftSentence(Sentence(chunk, start, start + len(quote), quote), voice)


FAIL = says(ESSAY, "It will fail.")
NEEDS = says(ESSAY, "Russia needs China.")
TRADE = says(BRIEF, "Trade was $245bn in 2024.")


def answer(*sentences: DraftSentence) -> Answer:
    return verify(QUESTION, Draft(sentences), DOCUMENTS, {})


def markers(text: str) -> list[int]:
    return [int(n) for n in re.findall(r"(?<!\\)\[(\d+)\]", text)]


def test_numbers_run_from_one_and_each_points_at_its_own_span() -> None:
    found = answer(FAIL, NEEDS, TRADE)
    assert found.status == "answered"
    assert found.reason is None
    assert markers(found.text) == [1, 2, 3]
    assert [c.number for c in found.citations] == [1, 2, 3]
    for sentence, citation in zip(found.sentences, found.citations, strict=True):
        assert sentence.citations == (citation.number,)
        assert sentence.text == citation.quote
        source = DOCUMENTS[citation.document_id].text
        assert source[citation.start : citation.end] == citation.quote
    assert {s.support for s in found.sentences} == {"verbatim"}
    assert [s.voice for s in found.sentences] == ["author", "author", "background"]


def test_a_citation_says_where_it_stands() -> None:
    first, last = answer(FAIL, TRADE).citations
    assert (first.title, first.kind, first.heading) == (ESSAY.title, "essay", "Part one")
    assert (first.url, last.url) == (ESSAY.url, "")
    assert (last.title, last.kind, last.heading) == (BRIEF.title, "background", "Numbers")


def test_the_essay_is_heard_before_background_and_they_are_told_apart() -> None:
    text = answer(TRADE, FAIL).text
    essay, background = text.split("\n\n")
    assert essay.startswith("The essay: It will fail.")
    assert background.startswith("Background: Trade was $245bn in 2024.")


def test_background_alone_does_not_pass_for_the_essay() -> None:
    found = answer(TRADE)
    assert (found.status, found.reason) == ("partial", "essay_silent")
    assert found.text.startswith("The essay does not say")
    assert markers(found.text) == [1]
    assert [c.kind for c in found.citations] == ["background"]


def test_a_corpus_without_an_essay_has_none_to_be_silent() -> None:
    found = verify(QUESTION, Draft((TRADE,)), {BRIEF.id: BRIEF}, {})
    assert (found.status, found.reason) == ("answered", None)
    assert "essay" not in found.text


@pytest.mark.parametrize("reason", ["not_in_corpus", "not_a_question"])
@pytest.mark.parametrize("nearest", [(), (NEEDS, TRADE)])
def test_a_declined_answer_cites_nothing_and_shows_what_was_near(
    reason: str, nearest: tuple[DraftSentence, ...]
) -> None:
    # Documents cited under "found nothing" are what readers of such systems report.
    found = verify(QUESTION, Draft((), nearest, reason), DOCUMENTS, {})
    assert (found.status, found.reason) == ("declined", reason)
    assert (found.citations, found.sentences) == ((), ())
    assert found.text
    assert markers(found.text) == []
    assert [c.quote for c in found.nearest] == [d.sentence.text for d in nearest]
    assert [c.number for c in found.nearest] == list(range(1, len(nearest) + 1))


def test_an_answer_has_nothing_nearest() -> None:
    assert verify(QUESTION, Draft((FAIL,), (NEEDS,)), DOCUMENTS, {}).nearest == ()


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"start": 13}, id="start"),
        pytest.param({"start": 13, "end": 26}, id="shifted"),
        pytest.param({"end": 24}, id="end"),
        pytest.param({"start": 10_000, "end": 10_013}, id="past the end"),
        pytest.param({"text": "It will not fail."}, id="other words"),
        pytest.param({"text": "it will fail."}, id="other case"),
        pytest.param({"chunk": TRADE.sentence.chunk}, id="other document"),
        pytest.param({"chunk": replace(FAIL.sentence.chunk, document_id="gone")}, id="unknown"),
    ],
)
def test_a_span_that_does_not_match_is_an_error_not_an_answer(change: dict[str, Any]) -> None:
    wrong = replace(FAIL, sentence=replace(FAIL.sentence, **change))
    with pytest.raises(IndexStoreError, match=r"does not match the document .*--rebuild"):
        answer(NEEDS, wrong)
    with pytest.raises(IndexStoreError):
        verify(QUESTION, Draft((), (wrong,), "not_in_corpus"), DOCUMENTS, {})


def test_question_model_and_timings_are_carried_and_then_stand() -> None:
    timings = {"retrieve": 1.5}
    found = verify(QUESTION, Draft((FAIL,), model="some-model"), DOCUMENTS, timings)
    timings["retrieve"] = 0.0
    assert (found.question, found.standalone_question) == (QUESTION.text, QUESTION.standalone)
    assert (found.model, found.timings_ms) == ("some-model", {"retrieve": 1.5})


@pytest.mark.parametrize("kind", ["essay", "background"])
def test_a_sources_own_markup_is_neither_a_marker_nor_html(kind: Kind) -> None:
    quote = 'As shown [1] by <b>them</b>, see [x](https://e.example) <img src="x">.'
    source = Document(id="d", title="T", kind=kind, text=quote, path="d.txt")
    found = verify(QUESTION, Draft((says(source, quote),)), {"d": source}, {})
    assert markers(found.text) == [1]
    assert found.text.endswith("[1]")
    html = MarkdownIt("commonmark").render(found.text)
    assert re.findall(r"<[^>]*>", html) == ["<p>", "</p>"]
    # What is cited stays as it is; only the markdown is escaped.
    assert found.citations[0].quote == found.sentences[0].text == quote


@settings(deadline=None)
@given(st.text("\\`*_[]()<>#|~!-+=.:1a/ \n\t\u00a0é\U0001f642", max_size=40))
def test_markdown_shows_exactly_what_the_source_says(text: str) -> None:
    plain = " ".join(text.split())
    tokens = (
        MarkdownIt("commonmark")
        .enable(["table", "strikethrough"])
        .parse(f"The essay: {escape_markdown(text)} end")
    )
    assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"]
    parts = tokens[1].children or []
    assert {part.type for part in parts} <= {"text", "text_special"}
    assert "".join(part.content for part in parts) == f"The essay: {plain} end"
