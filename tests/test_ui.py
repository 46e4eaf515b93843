"""The page's parts as HTML: spans that links find, and nothing in a source that runs."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser

from essayqa.chunks import chunk_document
from essayqa.render import anchor
from essayqa.types import Citation, Claim, Document, Reference
from essayqa.ui.ledger import claims_html, map_html
from essayqa.ui.reader import reader_html

TEXT = "One two three. <b>Four</b> & five.\n\nSix.\n"
DOCUMENT = Document(id="an essay/1", title="<i>T</i>", kind="essay", text=TEXT, path="e.md")


def cite(start: int, end: int, document: Document = DOCUMENT) -> Citation:
    return Citation(
        1, document.id, document.title, document.kind, "", start, end, document.text[start:end], ""
    )


class Elements(HTMLParser):
    """The text of each element that has an id, and all tags."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.by_id: dict[str, str] = {}
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append((tag, found))
        if tag == "span":
            name = found.get("id") or ""
            self._open.append(name)
            self.by_id.setdefault(name, "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "span":
            self._open.pop()

    def handle_data(self, data: str) -> None:
        for name in self._open:
            self.by_id[name] += data

    @property
    def links(self) -> list[str]:
        return [str(a["href"]) for tag, a in self.tags if tag == "a"]


def read(*citations: Citation, document: Document = DOCUMENT) -> Elements:
    return Elements(reader_html([document], chunk_document(document), citations))


def test_the_marked_text_is_the_quote() -> None:
    whole, part, other = cite(0, 14), cite(4, 7), cite(15, 34)
    found = read(whole, part, other, part).by_id
    assert {name: found[name] for name in map(anchor, (whole, part, other))} == {
        anchor(c): c.quote for c in (whole, part, other)
    }


def test_of_two_spans_that_cross_the_second_is_still_found() -> None:
    first, second = cite(0, 7), cite(4, 14)
    found = read(first, second).by_id
    assert found[anchor(first)] == first.quote
    assert found[anchor(second)] == ""


def test_an_anchor_holds_no_character_that_breaks_a_link() -> None:
    assert anchor(cite(0, 3)) == "q-an.20essay.2f1-0-3"


def test_markup_in_a_document_is_shown() -> None:
    page = read(
        document=replace(DOCUMENT, references=(Reference("<b>R", url="https://r.example"),))
    )
    assert "b" not in [tag for tag, _ in page.tags]
    assert "i" not in [tag for tag, _ in page.tags]
    assert page.links == ["https://r.example"]


def test_a_reference_that_is_no_web_address_is_no_link() -> None:
    page = read(document=replace(DOCUMENT, references=(Reference("R", url="javascript:x"),)))
    assert page.links == []


THESIS = Claim("t", cite(0, 14), "forecast", "the author", settled_by="time", role="thesis")
PREMISE = Claim(
    *("p", cite(15, 34), "fact", "<b>Ann</b>"),
    verdict="disputed",
    against=(cite(36, 40),),
    why="It is <b>not</b>.",
    role="premise",
    under="t",
)


def test_each_claim_links_to_its_sentence_and_its_evidence() -> None:
    page = Elements(claims_html([THESIS, PREMISE]))
    assert page.links == [f"#{anchor(q)}" for q in (THESIS.quote, PREMISE.quote, *PREMISE.against)]
    assert "b" not in [tag for tag, _ in page.tags]


def test_a_list_of_no_claims_says_so() -> None:
    assert "No claim" in claims_html([])


def test_the_map_and_its_list_link_to_the_same_sentences() -> None:
    page = Elements(map_html([PREMISE, THESIS]))
    drawn, listed = page.links[:2], page.links[2:]
    assert (
        sorted(drawn) == sorted(listed) == sorted(f"#{anchor(c.quote)}" for c in (THESIS, PREMISE))
    )
    assert "b" not in [tag for tag, _ in page.tags]


def test_without_roles_there_is_no_map() -> None:
    assert map_html([replace(THESIS, role=None)]) == ""
