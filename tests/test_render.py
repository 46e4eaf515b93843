"""Answers to HTML, terminal text and JSON: nothing in a source drives the page or terminal."""

from __future__ import annotations

import json
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from essayqa import Answer, AnswerSentence, Citation, Passage
from essayqa.render import (
    claim_text,
    document_text,
    passage_text,
    place,
    resolved,
    to_html,
    to_json,
    to_text,
)
from essayqa.types import Chunk, Claim, Document, Reference

ATTACK = """</p>"><script>alert(1)</script><img src=x onerror='alert(2)'>&lt;b&gt; [9]"""
# Clear the screen, ring, backspace, set the title, delete, C1's CSI, reverse the line.
CONTROLS = "\x1b[2J \x07 \x08 \x1b]0;t\x07 \x7f \x9b31m \u202e \x00"

ESSAY = Citation(
    number=1,
    document_id="essay",
    title="The essay",
    kind="essay",
    heading="Part one",
    start=10,
    end=23,
    quote="It will fail.",
    url="https://essay.example/a?b=1&c=2",
)
BRIEF = Citation(
    number=2,
    document_id="brief",
    title="A brief",
    kind="background",
    heading="",
    start=0,
    end=19,
    quote="Trade was “$245bn”.",
    url="",
)
ANSWERED = Answer(
    question="Why won't it work?",
    standalone_question="Why won't the plan work?",
    status="answered",
    reason=None,
    text="The essay: It will fail. [1]\n\nBackground: Trade was “$245bn”. [2]",
    sentences=(
        AnswerSentence("It will fail.", (1,), "verbatim", "reported"),
        AnswerSentence("Trade was “$245bn”.", (2,), "verbatim", "background"),
    ),
    citations=(ESSAY, BRIEF),
    timings_ms={"retrieve": 1.5},
)
DECLINED = Answer(
    question="Who won the cup?",
    standalone_question="Who won the cup?",
    status="declined",
    reason="not_in_corpus",
    text="The essay and its background sources do not answer this.",
    nearest=(ESSAY, replace(BRIEF, number=2)),
)
SILENT = replace(
    ANSWERED,
    status="partial",
    reason="essay_silent",
    sentences=(AnswerSentence(BRIEF.quote, (1,), "verbatim", "background"),),
    citations=(replace(BRIEF, number=1),),
)


class Page(HTMLParser):
    """The tags, attributes and text a browser would see."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.links: list[str | None] = []
        self.tooltips: list[str | None] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.open.append(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [value for name, value in attrs if name == "href"]
        self.tooltips += [value for name, value in attrs if name == "title"]

    @property
    def outside(self) -> list[str | None]:
        """Links that leave the page."""
        return [link for link in self.links if not (link or "").startswith("#")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def hostile(url: str = "https://e.example/" + ATTACK) -> tuple[Answer, ...]:
    """An answer and a declined one with the attack in every field a corpus, reader or
    model can write."""
    citations = tuple(
        replace(c, title=ATTACK, heading=ATTACK, quote=ATTACK, document_id=ATTACK, url=url)
        for c in (ESSAY, BRIEF)
    )
    claim = Claim(
        *(ATTACK, citations[0], "fact", ATTACK),
        verdict="qualified",
        support=citations[1:],
        why=ATTACK,
        settled_by=ATTACK,
    )
    sentences = tuple(replace(s, text=ATTACK, claim=claim) for s in ANSWERED.sentences)
    answered = replace(ANSWERED, sentences=sentences, citations=citations)
    declined = replace(DECLINED, nearest=citations)
    return tuple(
        replace(a, question=ATTACK, standalone_question=ATTACK + "!", text=ATTACK, model=ATTACK)
        for a in (answered, declined)
    )


@pytest.mark.parametrize("answer", hostile(), ids=["answered", "declined"])
def test_nothing_from_outside_is_html(answer: Answer) -> None:
    page = Page(to_html(answer))
    assert page.open == []
    assert page.tags <= {
        *("div", "p", "span", "sup", "strong", "ol", "ul", "li", "q", "a", "details", "summary")
    }
    assert page.attributes <= {"class", "title", "href", "rel"}
    # Escaped, not removed: the resolved question, two sentences, titles and headings.
    assert page.text.count(ATTACK) >= 7
    assert set(page.outside) == {"https://e.example/" + ATTACK}


@pytest.mark.parametrize(
    "url",
    [
        *("javascript:alert(1)", " JavaScript:alert(1)", "java\tscript:alert(1)", "vbscript:x"),
        *("\x01javascript:x", "data:text/html,<script>", "file:///etc/passwd", "//e.example"),
        *("notes.md", ""),
    ],
)
def test_only_a_web_address_is_a_link(url: str) -> None:
    for answer in hostile(url):
        assert Page(to_html(answer)).outside == []


@pytest.mark.parametrize("url", ["http://a.example", "https://a.example/x?y=1&z=2", "HTTPS://A"])
def test_a_web_address_is_a_link_that_leads_there(url: str) -> None:
    answer = replace(ANSWERED, citations=(replace(ESSAY, url=url), BRIEF))
    assert Page(to_html(answer)).outside == [url]


@pytest.mark.parametrize(
    ("answer", "standing"),
    [
        (ANSWERED, "From the essay, with background"),
        (
            replace(ANSWERED, sentences=ANSWERED.sentences[:1], citations=(ESSAY,)),
            "From the essay",
        ),
        (replace(SILENT, status="answered", reason=None), "From the sources"),
        (SILENT, "The essay does not say; background sources do"),
        (
            replace(ANSWERED, status="partial", reason="essay_silent"),
            "The essay claims this and gives no evidence for it",
        ),
        (
            replace(ANSWERED, status="partial", reason="incomplete"),
            "From the essay, not all of it",
        ),
        (DECLINED, "Not in the essay or its background sources"),
        (replace(DECLINED, reason="not_a_question", nearest=()), "Not a question"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_page_says_on_what_the_answer_rests(answer: Answer, standing: str) -> None:
    assert f">{standing}</p>" in to_html(answer)


def test_the_page_shows_answer_voice_and_sources() -> None:
    page = Page(to_html(ANSWERED))
    parts = [
        "Read as: Why won't the plan work?",
        "The essay: It will fail.[1]",
        "Background: Trade was “$245bn”.[2]",
        "Sources",
        "The essay › Part one",
        "A brief",
    ]
    places = [page.text.index(part) for part in parts]
    assert places == sorted(places)
    assert "[3]" not in page.text
    assert page.tooltips == [
        "the author reports a view",
        "The essay › Part one",
        "a background source",
        "A brief",
    ]
    # Each number and each place leads to where the page marks the span.
    inside = [link for link in page.links if link not in page.outside]
    assert inside == ["#q-essay-10-23", "#q-brief-0-19"] * 2


CLAIM = Claim(
    *("fails", ESSAY, "forecast", "the author"),
    verdict="disputed",
    against=(BRIEF,),
    why="Trade grew.",
    settled_by="Whether it fails.",
)
CHECKED = replace(
    ANSWERED, sentences=(replace(ANSWERED.sentences[0], claim=CLAIM), ANSWERED.sentences[1])
)


def test_a_checked_claim_shows_its_verdict_and_the_evidence_beneath() -> None:
    page = Page(to_html(CHECKED))
    assert "other sources dispute this" in page.text
    assert page.text.count(BRIEF.quote) == 2
    assert "Settled by: Whether it fails." in page.text
    assert "[1] other sources dispute this: Trade grew." in to_text(CHECKED)
    assert to_text(ANSWERED) == to_text(replace(CHECKED, sentences=ANSWERED.sentences))


def test_a_claim_that_nobody_checked_adds_nothing() -> None:
    plain = replace(CLAIM, verdict=None, against=(), why="", settled_by="")
    shown = replace(
        ANSWERED, sentences=(replace(ANSWERED.sentences[0], claim=plain), ANSWERED.sentences[1])
    )
    assert to_html(shown) == to_html(ANSWERED)
    assert to_text(shown) == to_text(ANSWERED)


def test_a_claim_in_a_terminal_names_what_it_is_and_both_sides() -> None:
    both = replace(CLAIM, given=(ESSAY,), support=(BRIEF,))
    text = claim_text(both)
    for part in ("fails  a forecast · the author · Part one · other sources dispute", "For: “"):
        assert part in text
    assert "Against: “Trade was “$245bn”.” A brief" in text
    assert "The essay's own reason: “It will fail.”" in text


def test_a_declined_answer_shows_the_nearest_passages_and_no_sources() -> None:
    for text in (to_text(DECLINED), Page(to_html(DECLINED)).text):
        assert DECLINED.text in text
        assert "Nearest passages" in text
        assert "Sources" not in text
        assert ESSAY.quote in text
        assert BRIEF.quote in text
    assert "Nearest" not in to_text(replace(DECLINED, nearest=()))


def test_terminal_text_says_who_and_where() -> None:
    assert to_text(ANSWERED).splitlines() == [
        "Read as: Why won't the plan work?",
        "The essay: It will fail. [1]",
        "Background: Trade was “$245bn”. [2]",
        "Sources",
        "  [1] The essay › Part one, characters 10–23; the author reports a view",
        "  [2] A brief, characters 0–19; a background source",
    ]


def test_sources_cannot_drive_the_terminal() -> None:
    quote = f"Before {CONTROLS} after\nforged line"
    sentences = tuple(replace(s, text=quote) for s in ANSWERED.sentences)
    chunk = Chunk("i", quote, 0, 5, quote, heading=quote, title=quote)
    document = Document(
        quote, quote, "essay", quote, published=quote, path=quote, references=(Reference(quote),)
    )
    for shown in (
        to_text(replace(ANSWERED, sentences=sentences)),
        to_text(replace(DECLINED, nearest=(replace(ESSAY, quote=quote),))),
        passage_text(Passage(chunk, 0.5)),
        document_text(document),
    ):
        assert all(c.isprintable() or c == "\n" for c in shown)
        assert "after forged line" in shown
        assert not any(line.strip().startswith("forged") for line in shown.splitlines())


def test_a_passage_and_a_document_name_themselves() -> None:
    chunk = Chunk("i", "brief", 5, 9, "Text here.", heading="H", title="A brief")
    assert passage_text(Passage(chunk, 0.456)) == "0.46  A brief › H, brief 5–9\n      Text here."
    document = Document(
        "a", "T", "essay", "Two words", published="2025", path="a.md", references=(Reference("R"),)
    )
    assert document_text(document) == "a  T\n      essay · 2025 · 2 words · 1 references · a.md"


def test_place_and_resolved_leave_out_what_adds_nothing() -> None:
    assert [place(c) for c in (ESSAY, BRIEF)] == ["The essay › Part one", "A brief"]
    assert resolved(DECLINED) == ""
    assert "Read as" not in to_text(DECLINED) + to_html(DECLINED)


@pytest.mark.parametrize("answer", [ANSWERED, DECLINED, SILENT, *hostile()])
def test_json_carries_exactly_the_answer_on_one_line(answer: Answer) -> None:
    line = to_json(replace(answer, text=answer.text + "\n" + CONTROLS))
    assert "\n" not in line
    assert json.loads(line) == replace(answer, text=answer.text + "\n" + CONTROLS).to_dict()
    assert json.loads(to_json(answer)) == answer.to_dict()


def test_json_has_the_documented_fields_and_readable_text() -> None:
    data = ANSWERED.to_dict()
    assert " ".join(data) == (
        "question standalone_question status reason text sentences citations nearest model"
        " timings_ms"
    )
    assert data["sentences"][0] == {
        "text": "It will fail.",
        "citations": [1],
        "support": "verbatim",
        "voice": "reported",
        "claim": None,
    }
    claim = CHECKED.to_dict()["sentences"][0]["claim"]
    assert " ".join(claim) == (
        "id quote kind holder given verdict support against why settled_by role under"
    )
    assert claim["against"][0]["quote"] == BRIEF.quote
    assert " ".join(data["citations"][0]) == (
        "number document_id title kind heading start end quote url"
    )
    assert "“$245bn”" in to_json(ANSWERED)


def test_rendering_changes_nothing() -> None:
    before = ANSWERED.to_dict()
    for show in (to_text, to_html, to_json):
        assert show(ANSWERED) == show(ANSWERED)
    ANSWERED.to_dict()["sentences"].clear()
    assert ANSWERED.to_dict() == before
