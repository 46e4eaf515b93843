"""The corpus as HTML to read, every span that can be cited an element of its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from itertools import groupby

from ..render import anchor
from ..types import Chunk, Citation, Document


def reader_html(
    documents: Iterable[Document], chunks: Sequence[Chunk], citations: Iterable[Citation]
) -> str:
    """Each document's prose with its headings; a span of `citations` has its `anchor` as
    id. The essay stands open, background folded; a link to a span unfolds its document."""
    spans: dict[str, list[Citation]] = {}
    for citation in citations:
        spans.setdefault(citation.document_id, []).append(citation)
    parts = []
    for document in documents:
        mine = [chunk for chunk in chunks if chunk.document_id == document.id]
        body = _references(document)
        for heading, group in groupby(mine, key=lambda chunk: chunk.heading):
            prose = "".join(f"<p>{_marked(c, spans.get(document.id, ()))}</p>" for c in group)
            body = f"{body}<h3>{escape(heading)}</h3>{prose}" if heading else body + prose
        opened = " open" if document.kind == "essay" else ""
        parts.append(
            f'<details class="{document.kind}"{opened}><summary>{escape(document.title)}</summary>'
            f"<article>{body}</article></details>"
        )
    # A region that scrolls by itself has to be within the keyboard's reach.
    return (
        '<div class="reader" role="region" aria-label="The texts" tabindex="0">'
        f"{''.join(parts)}</div>"
    )


def _references(document: Document) -> str:
    if not document.references:
        return ""
    items = "".join(
        f'<li><a href="{escape(r.url)}" rel="noopener noreferrer">{escape(r.title)}</a>, '
        f"{escape(r.publisher)}, {escape(r.date)}</li>"
        for r in document.references
        if r.url.lower().startswith(("http://", "https://"))
    )
    return f"<details><summary>What it was written from</summary><ul>{items}</ul></details>"


def _marked(chunk: Chunk, citations: Iterable[Citation]) -> str:
    """A chunk's text with a span around each citation that lies in it. Of two that cross,
    the second is marked where it begins only."""
    inside = {
        (c.start, c.end): anchor(c)
        for c in citations
        if chunk.start <= c.start and c.end <= chunk.end
    }
    opens: dict[int, list[str]] = {}
    closes: dict[int, int] = {}
    open_ends: list[int] = []
    for (start, end), name in sorted(inside.items(), key=lambda item: (item[0][0], -item[0][1])):
        open_ends = [e for e in open_ends if e > start]
        if open_ends and end > open_ends[-1]:
            opens.setdefault(start, []).append(f'<span id="{name}"></span>')
            continue
        open_ends.append(end)
        opens.setdefault(start, []).append(f'<span id="{name}">')
        closes[end] = closes.get(end, 0) + 1
    parts, at = [], chunk.start
    for cut in sorted({*opens, *closes, chunk.end}):
        parts.append(escape(chunk.text[at - chunk.start : cut - chunk.start]))
        parts.append("</span>" * closes.get(cut, 0))
        parts += opens.get(cut, [])
        at = cut
    return "".join(parts)
