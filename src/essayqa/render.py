"""An answer to markdown, HTML, plain text or JSON. Pure functions of the answer."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from html import escape

from .types import (
    Answer,
    AnswerSentence,
    Citation,
    Claim,
    ClaimKind,
    Document,
    Passage,
    Verdict,
    Voice,
)
from .verify import DECLINED, PARTIAL

VOICES = {
    "author": "the author argues",
    "reported": "the author reports a view",
    "background": "a background source",
}
VERDICTS: dict[Verdict, str] = {
    "corroborated": "other sources bear this out",
    "qualified": "other sources bear this out in part",
    "disputed": "other sources dispute this",
    "not_found": "no other source here speaks to this",
}
KINDS: dict[ClaimKind, str] = {
    "fact": "a fact to check",
    "cause": "a claim of cause",
    "judgement": "a judgement",
    "forecast": "a forecast",
    "reported": "a reported view",
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
    if answer.status == "partial":
        lines.append(f"{standing(answer)}.")
    if note := problem(answer):
        lines.append(f"{_plain(note)}; these are the sources' own sentences.")
    for label, group in _groups(answer):
        body = " ".join(
            _plain(s.text) + " " + "".join(f"[{n}]" for n in s.citations) for s in group
        )
        lines.append(f"{label}: {body}" if label else body)
    if not answer.sentences:
        lines.append(answer.text)
    if answer.citations:
        lines.append("Sources")
        lines += [
            f"  [{c.number}] {_plain(place(c))}, characters {c.start}–{c.end}; "
            f"{VOICES[voice]}{f': “{_plain(c.quote)}”' if unseen else ''}"
            for c, voice, _, unseen in _sources(answer)
        ]
        checked = [(s.citations[0], s.claim) for s in answer.sentences if s.claim]
        if notes := [(n, claim) for n, claim in checked if claim.verdict]:
            lines.append("Checked against other sources (`essayqa claims` shows them)")
            lines += [f"  [{n}] {verdict_text(claim)}: {_plain(claim.why)}" for n, claim in notes]
    elif answer.nearest:
        lines.append("Nearest passages, for you to judge by")
        lines += [f"  · {_plain(place(c))}: “{_plain(c.quote)}”" for c in answer.nearest]
    return "\n".join(lines)


def to_html(answer: Answer) -> str:
    """The answer as HTML: text and sources are escaped first, then marked up."""
    parts = [f'<p class="standing {answer.status}">{escape(standing(answer))}</p>']
    if shown := resolved(answer):
        parts.append(f'<p class="resolved">{escape(shown)}</p>')
    if note := problem(answer):
        note = f"{note}; these are the sources' own sentences."
        parts.append(f'<p class="problem" role="status">{escape(note)}</p>')
    cited = {c.number: c for c in answer.citations}
    for label, group in _groups(answer):
        body = " ".join(_sentence_html(sentence, cited) for sentence in group)
        head = f"<strong>{escape(label)}:</strong> " if label else ""
        parts.append(f"<p>{head}{body}</p>")
    if not answer.sentences:
        parts.append(f"<p>{escape(answer.text)}</p>")
    if answer.citations:
        items = "".join(
            f"<li>{f'<q>{escape(c.quote)}</q> ' if unseen else ''}{_place_html(c)}, "
            f"characters {c.start}–{c.end} · {escape(VOICES[voice])}{_checked_html(claim)}</li>"
            for c, voice, claim, unseen in _sources(answer)
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


def _sources(answer: Answer) -> list[tuple[Citation, Voice, Claim | None, bool]]:
    """Each citation with whose view it states, the claim it makes, and whether its words
    are still to be shown: a quoted sentence stands in the answer already."""
    found = []
    for c in answer.citations:
        citing = [s for s in answer.sentences if c.number in s.citations]
        voice = "background" if c.kind == "background" else citing[0].voice
        claim = next((s.claim for s in citing if s.claim), None)
        found.append((c, voice, claim, all(s.support != "verbatim" for s in citing)))
    return found


def place(citation: Citation) -> str:
    """Where a citation stands: the document's title and the heading above it."""
    return citation.title + (f" › {citation.heading}" if citation.heading else "")


def anchor(citation: Citation) -> str:
    """Where a page that shows the documents marks the citation's span: an element's id."""
    # A file name may hold anything; an id in a link may not.
    document = re.sub(r"[^\w-]", lambda c: f".{ord(c[0]):x}", citation.document_id)
    return f"q-{document}-{citation.start}-{citation.end}"


def resolved(answer: Answer) -> str:
    """How a question that leaned on something was read, or ""."""
    if answer.standalone_question == answer.question:
        return ""
    return f"Read as: {answer.standalone_question}"


def verdict_text(claim: Claim) -> str:
    """What the ledger found of a claim, or what kind of claim it is if it was not checked."""
    return VERDICTS[claim.verdict] if claim.verdict else KINDS[claim.kind]


def claim_text(claim: Claim) -> str:
    """A claim for a terminal: what it is, its words, and what was found."""
    about = (
        KINDS[claim.kind],
        claim.holder,
        claim.quote.heading,
        VERDICTS[claim.verdict] if claim.verdict else "",
    )
    lines = [
        f"{_plain(claim.id)}  {' · '.join(_plain(part) for part in about if part)}",
        f"“{_plain(claim.quote.quote)}”",
        _plain(claim.why),
        f"Settled by: {_plain(claim.settled_by)}" if claim.settled_by else "",
    ]
    for label, quotes in evidence_of(claim):
        lines += [f"{label}: “{_plain(q.quote)}” {_plain(place(q))}" for q in quotes]
    return "\n      ".join(line for line in lines if line)


def evidence_of(claim: Claim) -> list[tuple[str, Sequence[Citation]]]:
    """What the essay gives for a claim, and what other sources say for and against it."""
    groups = (
        ("The essay's own reason", claim.given),
        ("For", claim.support),
        ("Against", claim.against),
    )
    return [(label, quotes) for label, quotes in groups if quotes]


def _checked_html(claim: Claim | None) -> str:
    """The verdict on a claim, its evidence folded away."""
    if claim is None or not (claim.verdict or claim.support or claim.against):
        return ""
    summary = f"<summary>{escape(verdict_text(claim))}</summary>"
    return f'<details class="claim">{summary}{evidence_html(claim)}</details>'


def evidence_html(claim: Claim) -> str:
    """Why a claim has its verdict, and the quotes on either side, as HTML."""
    parts = [
        f"<p>{escape(text)}</p>"
        for text in (claim.why, claim.settled_by and f"Settled by: {claim.settled_by}")
        if text
    ]
    for label, quotes in evidence_of(claim):
        items = "".join(
            f"<li><q>{escape(q.quote)}</q> <span class='place'>{_place_html(q)}</span></li>"
            for q in quotes
        )
        parts.append(f'<p class="label">{escape(label)}</p><ul class="sources">{items}</ul>')
    return "".join(parts)


def standing(answer: Answer) -> str:
    """In a few words, what kind of answer this is."""
    if answer.reason == "not_a_question":
        return "Not a question"
    if answer.reason == "incomplete":
        return "From the essay, not all of it"
    if answer.reason == "essay_silent" and any(c.kind == "essay" for c in answer.citations):
        return "The essay claims this and gives no evidence for it"
    if answer.status == "answered" and any(c.kind == "background" for c in answer.citations):
        both = any(c.kind == "essay" for c in answer.citations)
        return "From the essay, with background" if both else "From the sources"
    return STANDING[answer.status]


def problem(answer: Answer) -> str:
    """What came between the reader and the language model, or ""."""
    known = answer.reason is None or answer.reason in {*DECLINED, *PARTIAL}
    return "" if known else str(answer.reason)


def _groups(answer: Answer) -> list[tuple[str, Sequence[AnswerSentence]]]:
    """What a language model wrote, then what is quoted from the essay and the background."""
    kinds = {c.number: c.kind for c in answer.citations}
    written = [s for s in answer.sentences if s.support != "verbatim"]
    quoted = [s for s in answer.sentences if s.support == "verbatim"]
    essay = [s for s in quoted if kinds[s.citations[0]] == "essay"]
    background = [s for s in quoted if kinds[s.citations[0]] == "background"]
    labelled = (("", written), ("The essay", essay), ("Background", background))
    return [(label, group) for label, group in labelled if group]


def _sentence_html(sentence: AnswerSentence, cited: Mapping[int, Citation]) -> str:
    marks = "".join(
        f'<sup><a href="#{anchor(cited[n])}" title="{escape(place(cited[n]))}">[{n}]</a></sup>'
        for n in sentence.citations
    )
    voice = escape(VOICES[sentence.voice])
    return f'<span class="{sentence.voice}" title="{voice}">{escape(sentence.text)}</span>{marks}'


def _place_html(citation: Citation) -> str:
    where = f'<a href="#{anchor(citation)}">{escape(place(citation))}</a>'
    # Anything but a web address, such as `javascript:`, is not made a link.
    if citation.url.lower().startswith(("http://", "https://")):
        where += f' (<a href="{escape(citation.url)}" rel="noopener noreferrer">original</a>)'
    return where


def _plain(text: str) -> str:
    """`text` on one line, without control characters that could drive a terminal."""
    return "".join(c for c in " ".join(text.split()) if c.isprintable())
