"""Draft to answer: every sentence proved from the documents, its sources numbered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .claims import GRAVITY, claims_in
from .errors import IndexStoreError
from .sentences import stems
from .types import (
    Answer,
    AnswerSentence,
    Citation,
    Claim,
    Document,
    Draft,
    DraftSentence,
    Proposed,
    Question,
    Shown,
    Status,
    SupportCheck,
)

DECLINED = {
    "not_in_corpus": "The essay and its background sources do not answer this.",
    "not_a_question": "Ask a question about the essay, such as “Why won't it work?”",
}

# How many sources are tried for a sentence that those it cites do not bear out.
TRIED = 4
# What a partial answer begins with.
PARTIAL = {
    "essay_silent": "The essay does not say; background sources do.",
    "essay_unproven": "The essay makes this claim and gives no evidence for it.",
    "incomplete": "More of the essay's claims fit than are shown here.",
}


class Assembly:
    """An answer put together sentence by sentence, each proved and its sources numbered.

    Raises `IndexStoreError` when a span is not in the document the index says it is
    from: then nothing the index holds can be trusted.
    """

    def __init__(self, documents: Mapping[str, Document], claims: Sequence[Claim] = ()) -> None:
        self._documents, self._claims = documents, claims
        self._sentences: list[AnswerSentence] = []
        self._citations: dict[tuple[str, int], Citation] = {}
        # How many citations events have told of.
        self._told = 0

    def cite(self, drafted: DraftSentence) -> Citation:
        """The citation of a sentence, found word for word in its document; the same one
        whenever it is cited."""
        key = drafted.sentence.chunk.document_id, drafted.sentence.start
        if key not in self._citations:
            self._citations[key] = _cite(drafted, self._documents, len(self._citations) + 1)
        return self._citations[key]

    def quote(self, drafted: DraftSentence) -> AnswerSentence:
        """A sentence shown word for word, with the one of the claims that it makes."""
        citation = self.cite(drafted)
        text, voice = drafted.sentence.text, drafted.voice
        claim = self._claim([citation])
        return self._show(AnswerSentence(text, (citation.number,), "verbatim", voice, claim))

    def write(self, text: str, support: Sequence[DraftSentence]) -> AnswerSentence:
        """A sentence that a model wrote, after it was found to be supported; a reported view
        if any source of it is one, as passing that off as a fact is the gravest error."""
        cited = [self.cite(drafted) for drafted in support]
        numbers, claim = tuple(c.number for c in cited), self._claim(cited)
        voices = [drafted.voice for drafted in support]
        voice = "reported" if "reported" in voices else voices[0]
        return self._show(AnswerSentence(text, numbers, "supported", voice, claim))

    def _claim(self, cited: Sequence[Citation]) -> Claim | None:
        """Of the claims made in what is cited, the one that others bear out least."""
        made = [x for c in cited for x in claims_in(self._claims, c.document_id, c.start, c.end)]
        return min(made, key=lambda claim: GRAVITY.index(claim.verdict), default=None)

    def locate(self, sentences: Sequence[DraftSentence]) -> tuple[Citation, ...]:
        """Where sentences stand, numbered by themselves: none of them is cited yet."""
        return tuple(_cite(d, self._documents, n) for n, d in enumerate(sentences, start=1))

    def shown(self, sentence: AnswerSentence) -> Shown:
        """The event of a sentence just added: with the citations that are new with it."""
        every = tuple(self._citations.values())
        new = every[self._told :]
        self._told = len(every)
        return Shown(sentence, new)

    def _show(self, sentence: AnswerSentence) -> AnswerSentence:
        self._sentences.append(sentence)
        return sentence

    def answer(
        self,
        question: Question,
        draft: Draft,
        timings_ms: Mapping[str, float],
        problem: str | None = None,
    ) -> Answer:
        """The answer of what was shown; declined if nothing was. `problem` is what came
        between the reader and the language model."""
        sentences = tuple(self._sentences)
        citations = tuple(self._citations.values())
        reason = draft.reason
        nearest: tuple[Citation, ...] = ()
        if not sentences:
            status: Status = "declined"
            reason = reason or "not_in_corpus"
            nearest = tuple(
                _cite(drafted, self._documents, number)
                for number, drafted in enumerate(draft.nearest, start=1)
            )
        else:
            has_essay = any(document.kind == "essay" for document in self._documents.values())
            if has_essay and all(c.kind == "background" for c in citations):
                reason = "essay_silent"
            status = "partial" if reason else "answered"
        return Answer(
            question=question.text,
            standalone_question=question.standalone,
            status=status,
            reason=problem or reason,
            text=_text(sentences, citations, reason, problem),
            sentences=sentences,
            citations=citations,
            nearest=nearest,
            model=draft.model,
            timings_ms=dict(timings_ms),
        )


def verify(
    question: Question,
    draft: Draft,
    documents: Mapping[str, Document],
    timings_ms: Mapping[str, float],
    claims: Sequence[Claim] = (),
) -> Answer:
    """The answer of a draft without a model's sentences."""
    assembly = Assembly(documents, claims)
    for drafted in in_order(draft):
        assembly.quote(drafted)
    return assembly.answer(question, draft, timings_ms)


def supporting(
    sentence: Proposed, sources: Sequence[DraftSentence], check: SupportCheck
) -> tuple[DraftSentence, ...]:
    """The sources that bear out a sentence: those it cites if they do, else the first of
    the nearest that does alone; none if nothing does."""
    if sentence.cited and _borne_out(sentence.text, sentence.cited, check):
        return sentence.cited
    words = stems(sentence.text)
    nearest = sorted(sources, key=lambda s: -len(words & stems(s.sentence.text)))[:TRIED]
    return next(((s,) for s in nearest if _borne_out(sentence.text, (s,), check)), ())


def _borne_out(text: str, sources: Sequence[DraftSentence], check: SupportCheck) -> bool:
    reported = any(source.voice == "reported" for source in sources)
    return check.supported(text, [s.sentence.with_lead for s in sources], reported=reported)


def in_order(draft: Draft) -> list[DraftSentence]:
    """A draft's sentences as they are shown: the essay's first."""
    return sorted(draft.sentences, key=lambda d: d.sentence.chunk.kind != "essay")


def _cite(drafted: DraftSentence, documents: Mapping[str, Document], number: int) -> Citation:
    sentence = drafted.sentence
    document = documents.get(sentence.chunk.document_id)
    if document is None or document.text[sentence.start : sentence.end] != sentence.text:
        raise IndexStoreError(
            f"the index does not match the document {sentence.chunk.document_id!r} "
            f"at {sentence.start}; `essayqa index --rebuild` makes a new one"
        )
    return Citation.of(document, sentence.start, sentence.end, sentence.chunk.heading, number)


def _text(
    sentences: Sequence[AnswerSentence],
    citations: Sequence[Citation],
    reason: str | None,
    problem: str | None,
) -> str:
    """The answer as markdown: what a model wrote, then the essay's sentences, then the
    background's."""
    if not sentences:
        return DECLINED.get(reason or "", DECLINED["not_in_corpus"])
    kinds = {citation.number: citation.kind for citation in citations}
    parts = [f"{escape_markdown(problem)}."] if problem else []
    if reason:
        essay = any(kind == "essay" for kind in kinds.values())
        parts.append(PARTIAL["essay_unproven" if reason == "essay_silent" and essay else reason])
    written = [s for s in sentences if s.support != "verbatim"]
    groups = [("", written)] if written else []
    for kind, label in (("essay", "The essay: "), ("background", "Background: ")):
        quoted = [s for s in sentences if s not in written and kinds[s.citations[0]] == kind]
        groups += [(label, quoted)] if quoted else []
    for label, group in groups:
        shown = " ".join(
            f"{escape_markdown(s.text)} " + "".join(f"[{n}]" for n in s.citations) for s in group
        )
        parts.append(label + shown)
    return "\n\n".join(parts)


def escape_markdown(text: str) -> str:
    """`text` on one line, with the characters that would mark it up in markdown or HTML
    escaped, so that a source's "[1]" or "<b>" stays what it is."""
    return "".join(f"\\{c}" if c in "\\`*_[]<>&#|~" else c for c in " ".join(text.split()))
