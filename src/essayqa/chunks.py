"""Documents to chunks: a paragraph each, long ones cut between sentences."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

from .sentences import sentence_spans
from .types import Chunk, Document, Span

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

# Part of the index's name: raise it when the same document would be cut differently.
CHUNKER_VERSION = "1"
MAX_WORDS = 180

_PARAGRAPH = re.compile(r"\S[^\n]*(?:\n[^\n]*\S[^\n]*)*")
# What may stand before a block's own text on its first line: quotation and list marks.
_MARKS = re.compile(r"(?:[ \t]*(?:>|(?:[-+*]|\d{1,9}[.)])(?=[ \t])))*[ \t]*")
_ATTRIBUTES = re.compile(r"\{[^}]*\}")


def chunk_document(document: Document) -> list[Chunk]:
    """The chunks of one document in reading order, `document.text[start:end] == text`.

    Headings, pictures, tables, code and HTML are structure, not prose: they are left
    out, and the heading above a chunk is kept as its `heading`.
    """
    chunks: list[Chunk] = []
    seen: Counter[str] = Counter()
    for block, heading in _blocks(document):
        for span in _cut(document.text, block):
            text = document.text[span.start : span.end]
            key = "\0".join((document.id, heading, text))
            # Two equal paragraphs need two ids; the count keeps them apart.
            identity = f"{key}\0{seen[key]}"
            seen[key] += 1
            chunks.append(
                Chunk(
                    id=hashlib.sha256(identity.encode()).hexdigest()[:24],
                    document_id=document.id,
                    start=span.start,
                    end=span.end,
                    text=text,
                    heading=heading,
                    kind=document.kind,
                    title=document.title,
                    url=document.url,
                    ordinal=len(chunks),
                )
            )
    return chunks


def _blocks(document: Document) -> Iterator[tuple[Span, str]]:
    """Each paragraph's span with the heading it stands under."""
    if document.path.lower().endswith(".txt"):
        for match in _PARAGRAPH.finditer(document.text):
            yield Span(match.start(), match.end()), ""
        return
    # The parser replaces these two itself; done first, lengths and so offsets hold.
    source = document.text.replace("\0", "\ufffd").replace("\r", " ")
    line_starts = [0]
    for line in source.split("\n"):
        line_starts.append(line_starts[-1] + len(line) + 1)
    heading = ""
    tokens = _markdown().parse(source)
    for position, token in enumerate(tokens):
        if token.type != "inline" or token.map is None:
            continue
        opener = tokens[position - 1]
        if opener.type == "heading_open" and opener.level == 0:
            # A label, not evidence, so mark-up and odd white space are taken off.
            heading = " ".join(_plain_text(token).split())
        elif opener.type == "paragraph_open" and not _is_picture(token):
            yield _locate(source, token.content, line_starts[token.map[0]]), heading


def _plain_text(inline: Token) -> str:
    return "".join(child.content or " " for child in inline.children or [])


def _is_picture(inline: Token) -> bool:
    """Whether a paragraph is nothing but pictures: their credits are not prose."""
    children = inline.children or []
    words = "".join(child.content for child in children if child.type == "text")
    pictures = any(child.type == "image" for child in children)
    return pictures and not re.search(r"\w", _ATTRIBUTES.sub("", words))


def _locate(text: str, content: str, start: int) -> Span:
    """Where the lines of `content` stand in `text` at or after `start`: the parser has
    taken indentation and list or quotation marks off each line."""
    first = None
    for line in content.split("\n"):
        line = line.strip()
        marks = _MARKS.match(text, start)
        at = text.find(line, marks.end() if marks else start)
        if at < 0:
            at = text.index(line, start)
        first = at if first is None else first
        start = at + len(line)
    assert first is not None
    return Span(first, start)


def _cut(text: str, block: Span) -> Iterator[Span]:
    """`block` whole, or in runs of sentences of at most `MAX_WORDS` words each."""
    start = end = None
    words = 0
    for sentence in sentence_spans(text[block.start : block.end]):
        length = len(text[block.start + sentence.start : block.start + sentence.end].split())
        if start is not None and end is not None and words + length > MAX_WORDS:
            yield Span(start, end)
            start, words = None, 0
        if start is None:
            start = block.start + sentence.start
        end = block.start + sentence.end
        words += length
    if start is not None and end is not None:
        yield Span(start, end)


@cache
def _markdown() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark").enable("table")
