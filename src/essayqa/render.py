"""An answer to markdown, HTML, plain text or JSON. Pure functions of the answer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape

from .types import Answer, AnswerSentence, Citation, Document, Passage

VOICES = {
    "author": "the author argues",
    "reported": "the author reports a view",
    "background": "a background source",
}
STANDING = {
    "answered": "From the essay",
    "partial": "The essay does not say; background sources do",
    "declined": "Not in the essay or its background sources",
}


def to_json(answer: Answer) -> str:
    """`Answer.to_dict()` as one line of JSON."""
    return json.dumps(answer.to_dict(), ensure_ascii=False)


def to_text(answer: Answer) -> str:
    """The answer for a terminal, its sources below it."""
    lines = [_plain(resolved(answer))] if resolved(answer) else []
    if answer.reason == "essay_silent":
        lines.append(f"{STANDING['partial']}.")
    for label, group in _groups(answer):
        body = " ".join(
            _plain(s.text) + " " + "".join(f"[{n}]" for n in s.citations) for s in group
        )
        lines.append(f"{label}: {body}")
    if not answer.sentences:
        lines.append(answer.text)
    if answer.citations:
        lines.append("Sources")
        voices = {n: s.voice for s in answer.sentences for n in s.citations}
        lines += [
            f"  [{c.number}] {_plain(place(c))}, characters {c.start}–{c.end}; "
            f"{VOICES[voices[c.number]]}"
            for c in answer.citations
        ]
    elif answer.nearest:
        lines.append("Nearest passages, for you to judge by")
        lines += [f"  · {_plain(place(c))}: “{_plain(c.quote)}”" for c in answer.nearest]
    return "\n".join(lines)


def to_html(answer: Answer) -> str:
    """The answer as HTML: text and sources are escaped first, then marked up."""
    parts = [f'<p class="standing {answer.status}">{escape(_standing(answer))}</p>']
    if shown := resolved(answer):
        parts.append(f'<p class="resolved">{escape(shown)}</p>')
    for label, group in _groups(answer):
        body = " ".join(map(_sentence_html, group))
        parts.append(f"<p><strong>{escape(label)}:</strong> {body}</p>")
    if not answer.sentences:
        parts.append(f"<p>{escape(answer.text)}</p>")
    if answer.citations:
        # Every sentence stands above word for word, so its source need not repeat it.
        voices = {n: s.voice for s in answer.sentences for n in s.citations}
        items = "".join(
            f"<li>{_place_html(c)}, characters {c.start}–{c.end} · "
            f"{escape(VOICES[voices[c.number]])}</li>"
            for c in answer.citations
        )
        parts.append(f'<p class="label">Sources</p><ol class="sources">{items}</ol>')
    elif answer.nearest:
        items = "".join(
            f"<li><q>{escape(c.quote)}</q> <span class='place'>{_place_html(c)}</span></li>"
            for c in answer.nearest
        )
        parts.append(
            f'<p class="label">Nearest passages, for you to judge by</p>'
            f'<ul class="sources">{items}</ul>'
        )
    return f'<div class="answer">{"".join(parts)}</div>'


def passage_text(passage: Passage) -> str:
    """A passage for a terminal: score and place, then its text."""
    chunk = passage.chunk
    heading = f" › {chunk.heading}" if chunk.heading else ""
    return (
        f"{passage.score:.2f}  {_plain(chunk.title + heading)}, "
        f"{_plain(chunk.document_id)} {chunk.start}–{chunk.end}\n      {_plain(chunk.text)}"
    )


def document_text(document: Document) -> str:
    """A document for a terminal: id and title, then what it is and where it is from."""
    about = [
        document.kind,
        document.published,
        f"{len(document.text.split())} words",
        f"{len(document.references)} references" if document.references else "",
        document.path,
    ]
    facts = " · ".join(_plain(fact) for fact in about if fact)
    return f"{_plain(document.id)}  {_plain(document.title)}\n      {facts}"


def place(citation: Citation) -> str:
    """Where a citation stands: the document's title and the heading above it."""
    return citation.title + (f" › {citation.heading}" if citation.heading else "")


def resolved(answer: Answer) -> str:
    """How a question that leaned on something was read, or ""."""
    if answer.standalone_question == answer.question:
        return ""
    return f"Read as: {answer.standalone_question}"


def _standing(answer: Answer) -> str:
    if answer.reason == "not_a_question":
        return "Not a question"
    if answer.status == "answered" and any(c.kind == "background" for c in answer.citations):
        both = any(c.kind == "essay" for c in answer.citations)
        return "From the essay, with background" if both else "From the sources"
    return STANDING[answer.status]


def _groups(answer: Answer) -> list[tuple[str, Sequence[AnswerSentence]]]:
    kinds = {c.number: c.kind for c in answer.citations}
    essay = [s for s in answer.sentences if kinds[s.citations[0]] == "essay"]
    background = [s for s in answer.sentences if kinds[s.citations[0]] == "background"]
    labelled = (("The essay", essay), ("Background", background))
    return [(label, group) for label, group in labelled if group]


def _sentence_html(sentence: AnswerSentence) -> str:
    marks = "".join(f"<sup>[{n}]</sup>" for n in sentence.citations)
    voice = escape(VOICES[sentence.voice])
    return f'<span class="{sentence.voice}" title="{voice}">{escape(sentence.text)}</span>{marks}'


def _place_html(citation: Citation) -> str:
    where = escape(place(citation))
    # Anything but a web address, such as `javascript:`, is not made a link.
    if citation.url.lower().startswith(("http://", "https://")):
        return f'<a href="{escape(citation.url)}" rel="noopener noreferrer">{where}</a>'
    return where


def _plain(text: str) -> str:
    """`text` on one line, without control characters that could drive a terminal."""
    return "".join(c for c in " ".join(text.split()) if c.isprintable())
