"""The values that flow through the pipeline, and the protocols models meet.

Every dataclass is frozen: nothing changes an answer after it was made. Offsets are
Python string indices (code points) into `Document.text`, end exclusive.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]
else:
    # numpy is imported where arrays are made, not to name their type.
    Vectors = Any

Kind = Literal["essay", "background"]
Voice = Literal["author", "reported", "background"]
Support = Literal["verbatim", "supported", "unsupported"]
Status = Literal["answered", "partial", "declined"]
# A question about the essay as a whole, "" for any other.
Whole = Literal["", "gist", "opening", "conclusion"]
ClaimKind = Literal["fact", "cause", "judgement", "forecast", "reported"]
Verdict = Literal["corroborated", "qualified", "disputed", "not_found"]
Role = Literal["thesis", "premise", "evidence", "concession"]


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open range `[start, end)` of characters in some text."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Reference:
    """A source a background document was written from."""

    title: str
    publisher: str = ""
    date: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Expected:
    """A question that readers are expected to ask of a document, and the spans that answer
    it together; no spans when the document is known not to answer it."""

    text: str
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """One file of the corpus. `text` is the file after its front matter, unchanged.

    `topic` is what the document is about in a few words ("" if it does not say): what a
    question means by an unexplained "it". `expected` are questions it is searched by and
    never shown.
    """

    id: str
    title: str
    kind: Kind
    text: str
    author: str = ""
    publisher: str = ""
    published: str = ""
    url: str = ""
    license: str = ""
    path: str = ""
    topic: str = ""
    references: tuple[Reference, ...] = ()
    expected: tuple[Expected, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The JSON of `essayqa sources`: everything a reader sees, the text included."""
        data = {**asdict(self), "references": [asdict(r) for r in self.references]}
        del data["expected"]
        return data


@dataclass(frozen=True, slots=True)
class Chunk:
    """The indexed unit: `document.text[start:end] == text`.

    `id` derives from content, not position, so text that only moved keeps its id.
    `ordinal` counts chunks within the document from 0. `heading` is "" above the
    first heading.
    """

    id: str
    document_id: str
    start: int
    end: int
    text: str
    heading: str = ""
    kind: Kind = "essay"
    title: str = ""
    url: str = ""
    ordinal: int = 0


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of a chunk: `document.text[start:end] == text`.

    `previous` stands before it in the same section; `leans` says that it cannot be
    understood without it ("This was …").
    """

    chunk: Chunk
    start: int
    end: int
    text: str
    previous: Sentence | None = None
    leans: bool = False

    @property
    def lead(self) -> Sentence | None:
        """The sentence it cannot be understood without."""
        return self.previous if self.leans else None

    @property
    def with_lead(self) -> str:
        """The text as a reader needs it: after what it leans on."""
        return f"{self.lead.text} {self.text}" if self.lead else self.text

    @property
    def with_previous(self) -> str:
        """The text as a reader meets it: after the sentence before it."""
        return f"{self.previous.text} {self.text}" if self.previous else self.text


@dataclass(frozen=True, slots=True)
class ScoredSentence:
    """A sentence judged for a question: `chance` in [0, 1] that it belongs to the answer."""

    sentence: Sentence
    chance: float


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one group of documents has to say to a question: their sentences, best first,
    and `answers` in [0, 1], how likely it is that the group answers at all.

    A group is one document that comes with expected questions, or all those of a kind
    that do not."""

    kind: Kind
    answers: float
    sentences: tuple[ScoredSentence, ...]


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk scored for a question; `score` in [0, 1], higher is better."""

    chunk: Chunk
    score: float

    def to_dict(self) -> dict[str, Any]:
        """The JSON of `essayqa search`."""
        c = self.chunk
        return {
            "document_id": c.document_id,
            "title": c.title,
            "kind": c.kind,
            "heading": c.heading,
            "start": c.start,
            "end": c.end,
            "text": c.text,
            "score": round(self.score, 4),
        }


@dataclass(frozen=True, slots=True)
class Turn:
    """One earlier exchange of a conversation."""

    question: str
    answer: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """A validated question.

    `standalone` is the question with what it leaves out put back, and `search` that
    without its frame ("according to the author"). `readings` are what is compared with
    expected questions: `search`, but with "it" left as it is when nothing but the essay's
    topic explains it, as readers put their questions; then its parts if it asks several.
    `essay_only` keeps background sources out; `asks` is false for a greeting or a line
    without words; `whole` marks a question that no one sentence resembles ("summarise
    it"). `terms` are the words of `search` that say what it is about, as spans.
    """

    text: str
    standalone: str
    search: str
    readings: tuple[str, ...] = ()
    essay_only: bool = False
    asks: bool = True
    whole: Whole = ""
    terms: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class DraftSentence:
    """A sentence proposed for the answer, and whose view it states."""

    sentence: Sentence
    voice: Voice


@dataclass(frozen=True, slots=True)
class Proposed:
    """A sentence that a language model wrote, and the sentences it names as its sources."""

    text: str
    cited: tuple[DraftSentence, ...]


@dataclass(frozen=True, slots=True)
class Draft:
    """What a composer hands to `verify`: sentences in reading order, or a reason why
    there are none. `nearest` are the spans to show if the answer is declined. With
    sentences, `reason` "essay_silent" says that the essay makes the claim they are about
    and gives nothing for it, "incomplete" that more fit than are shown."""

    sentences: tuple[DraftSentence, ...]
    nearest: tuple[DraftSentence, ...] = ()
    reason: str | None = None
    model: str = "extractive"


@dataclass(frozen=True, slots=True)
class Citation:
    """An exact span of a document: `document.text[start:end] == quote`."""

    number: int
    document_id: str
    title: str
    kind: Kind
    heading: str
    start: int
    end: int
    quote: str
    url: str

    @classmethod
    def of(
        cls, document: Document, start: int, end: int, heading: str, number: int = 1
    ) -> Citation:
        """The citation of a span of a document, under a heading."""
        return cls(
            number=number,
            document_id=document.id,
            title=document.title,
            kind=document.kind,
            heading=heading,
            start=start,
            end=end,
            quote=document.text[start:end],
            url=document.url,
        )


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim of an essay, and what other sources say of it: an entry of the ledger.

    `quote` is the span that makes it. `kind`: a "fact" can be checked against records; a
    "cause" says why something happened; a "judgement" is the author's reading; a
    "forecast" says what will or would happen, `settled_by` what would show it; "reported"
    is somebody else's view, held by `holder`. `given` is what the essay itself offers for
    it. `verdict` (None: not one to check) rests on the spans `support` and `against`, for
    the reason in `why`. In the argument map it plays `role` and stands `under` the claim
    with that id ("" for the thesis). Spans are numbered from 1 within each list.
    """

    id: str
    quote: Citation
    kind: ClaimKind
    holder: str
    given: tuple[Citation, ...] = ()
    verdict: Verdict | None = None
    support: tuple[Citation, ...] = ()
    against: tuple[Citation, ...] = ()
    why: str = ""
    settled_by: str = ""
    role: Role | None = None
    under: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The JSON of `essayqa claims`."""
        data: dict[str, Any] = asdict(self)
        for key in ("given", "support", "against"):
            data[key] = list(data[key])
        return data


@dataclass(frozen=True, slots=True)
class AnswerSentence:
    """One shown sentence. `citations` are `Citation.number`s of the answer.

    `support`: "verbatim" stands word for word at its citation; "supported" was checked
    against it and passed; "unsupported" failed and is marked so.
    `voice`: "author" the essay's author asserts it; "reported" the author reports
    someone else's view or plan; "background" another source says it.
    `claim` is the claim of the essay that it makes, if the ledger holds one: of several,
    the one that other sources bear out least.
    """

    text: str
    citations: tuple[int, ...]
    support: Support
    voice: Voice
    claim: Claim | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A verified answer.

    `text` is markdown whose `[n]` markers match `citations[i].number`, numbered from 1
    in order of appearance. `status` is "answered", "partial" (`reason` is
    "essay_silent" or "incomplete") or "declined" (`reason` is "not_in_corpus" or
    "not_a_question"; `citations` is empty and `nearest` holds up to three spans to
    judge by). With a language model that failed, or none of whose sentences could be
    verified, `reason` says so in words. `timings_ms` are wall-clock milliseconds by stage.
    """

    question: str
    standalone_question: str
    status: Status
    reason: str | None
    text: str
    sentences: tuple[AnswerSentence, ...] = ()
    citations: tuple[Citation, ...] = ()
    nearest: tuple[Citation, ...] = ()
    model: str = "extractive"
    timings_ms: dict[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain lists, dicts, strings and numbers, ready for `json.dumps`."""
        data = asdict(self)
        for key in ("sentences", "citations", "nearest"):
            data[key] = list(data[key])
        for sentence, shown in zip(data["sentences"], self.sentences, strict=True):
            sentence["citations"] = list(sentence["citations"])
            sentence["claim"] = shown.claim.to_dict() if shown.claim else None
        return data


@dataclass(frozen=True, slots=True)
class Retrieved:
    """An answer is being made; `citations` are what a language model is shown for it,
    empty when none is asked."""

    citations: tuple[Citation, ...] = ()


@dataclass(frozen=True, slots=True)
class Shown:
    """A sentence that was proved, and the citations it brings that were not there before."""

    sentence: AnswerSentence
    citations: tuple[Citation, ...]


@dataclass(frozen=True, slots=True)
class Dropped:
    """A sentence that a language model wrote and that nothing supports; not for readers."""

    text: str


# What `EssayQA.stream` yields; the answer comes last.
Event = Retrieved | Shown | Dropped | Answer


class SupportCheck(Protocol):
    """Judges whether sentences bear out a claim."""

    def score(self, claim: str, evidence: Sequence[str]) -> float:
        """How likely it is that the evidence, read together, supports the claim, in [0, 1]."""

    def supported(self, claim: str, evidence: Sequence[str], *, reported: bool = False) -> bool:
        """Whether it does. `reported` says that the evidence hands its view to somebody,
        so that a claim which states it as a fact fails."""


class Embedder(Protocol):
    """Turns text into unit vectors of one length."""

    @property
    def id(self) -> str:
        """Name and checksum: two embedders with one id give the same vectors."""

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        """Passages to vectors, shape (len(texts), d), float32, unit length."""

    def embed_query(self, text: str) -> Vectors:
        """A question to a vector, shape (d,), float32, unit length."""


class Reranker(Protocol):
    """Judges how well a passage answers a question."""

    @property
    def id(self) -> str:
        """Name and checksum of the model."""

    def score(self, question: str, texts: Sequence[str]) -> Vectors:
        """One score a text, shape (len(texts),), float32, each in [0, 1]."""
