"""Draft to answer: every sentence checked against the documents, then numbered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .claims import claims_in
from .errors import IndexStoreError
from .types import (
    Answer,
    AnswerSentence,
    Citation,
    Claim,
    Document,
    Draft,
    DraftSentence,
    Question,
    Status,
)

DECLINED = {
    "not_in_corpus": "The essay and its background sources do not answer this.",
    "not_a_question": "Ask a question about the essay, such as “Why won't it work?”",
}

# What a partial answer begins with.
PARTIAL = {
    "essay_silent": "The essay does not say; background sources do.",
    "essay_unproven": "The essay makes this claim and gives no evidence for it.",
    "incomplete": "More of the essay's claims fit than are shown here.",
}


def verify(
    question: Question,
    draft: Draft,
    documents: Mapping[str, Document],
    timings_ms: Mapping[str, float],
    claims: Sequence[Claim] = (),
) -> Answer:
    """The answer a draft proves: each sentence stands word for word at its citation, and
    carries the one of `claims` that it makes.

    Raises `IndexStoreError` when a span is not in the document the index says it is
    from: then nothing the index holds can be trusted.
    """
    reason = draft.reason
    if not draft.sentences:
        status: Status = "declined"
        reason = reason or "not_in_corpus"
        citations: tuple[Citation, ...] = ()
        sentences: tuple[AnswerSentence, ...] = ()
    else:
        drafted = sorted(draft.sentences, key=lambda d: d.sentence.chunk.kind != "essay")
        citations = _cite(drafted, documents)
        sentences = tuple(
            AnswerSentence(d.sentence.text, (c.number,), "verbatim", d.voice, _claim(c, claims))
            for d, c in zip(drafted, citations, strict=True)
        )
        has_essay = any(document.kind == "essay" for document in documents.values())
        silent = has_essay and all(c.kind == "background" for c in citations)
        if silent:
            reason = "essay_silent"
        status = "partial" if reason else "answered"
    return Answer(
        question=question.text,
        standalone_question=question.standalone,
        status=status,
        reason=reason,
        text=_text(sentences, citations, reason),
        sentences=sentences,
        citations=citations,
        nearest=_cite(draft.nearest, documents) if status == "declined" else (),
        model=draft.model,
        timings_ms=dict(timings_ms),
    )


def _claim(citation: Citation, claims: Sequence[Claim]) -> Claim | None:
    made = claims_in(claims, citation.document_id, citation.start, citation.end)
    return made[0] if made else None


def _cite(
    drafted: Sequence[DraftSentence], documents: Mapping[str, Document]
) -> tuple[Citation, ...]:
    citations = []
    for number, sentence in enumerate((d.sentence for d in drafted), start=1):
        document = documents.get(sentence.chunk.document_id)
        if document is None or document.text[sentence.start : sentence.end] != sentence.text:
            raise IndexStoreError(
                f"the index does not match the document {sentence.chunk.document_id!r} "
                f"at {sentence.start}; `essayqa index --rebuild` makes a new one"
            )
        citations.append(
            Citation(
                number=number,
                document_id=document.id,
                title=document.title,
                kind=document.kind,
                heading=sentence.chunk.heading,
                start=sentence.start,
                end=sentence.end,
                quote=sentence.text,
                url=document.url,
            )
        )
    return tuple(citations)


def _text(
    sentences: Sequence[AnswerSentence], citations: Sequence[Citation], reason: str | None
) -> str:
    """The answer as markdown: the essay's sentences, then the background's."""
    if not sentences:
        return DECLINED.get(reason or "", DECLINED["not_in_corpus"])
    kinds = {citation.number: citation.kind for citation in citations}
    parts = []
    for kind, label in (("essay", "The essay"), ("background", "Background")):
        group = [s for s in sentences if kinds[s.citations[0]] == kind]
        if group:
            quoted = " ".join(
                f"{escape_markdown(s.text)} " + "".join(f"[{n}]" for n in s.citations)
                for s in group
            )
            parts.append(f"{label}: {quoted}")
    if reason:
        essay = any(kind == "essay" for kind in kinds.values())
        parts.insert(0, PARTIAL["essay_unproven" if reason == "essay_silent" and essay else reason])
    return "\n\n".join(parts)


def escape_markdown(text: str) -> str:
    """`text` on one line, with the characters that would mark it up in markdown or HTML
    escaped, so that a source's "[1]" or "<b>" stays what it is."""
    return "".join(f"\\{c}" if c in "\\`*_[]<>&#|~" else c for c in " ".join(text.split()))
