"""Questions about the essay's claims themselves, answered from the ledger.

"Is the $200bn figure right?", "what evidence does the author give?", "who disagrees?" and
"which claims are forecasts?" ask for what other sources make of a claim, or for claims of
one sort; no sentence of the essay resembles them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .claims import GRAVITY, claims_in
from .sentences import stems
from .types import Citation, Claim, Draft, DraftSentence, Judgement, Sentence
from .voice import drafted
from .wanted import Request

# How many claims a listing shows, and how many the question what is wrong.
LISTED = 15
CONTESTED = 4
# How many sentences are shown for and against a claim, and against the thesis.
EACH_SIDE = 2
AGAINST = 4
# How many of a sentence's claims are looked at, if the question fits them equally.
CHECKED = 2


def consult(
    request: Request,
    question: str,
    claims: Sequence[Claim],
    sentences: Sequence[Sentence],
    judgement: Judgement | None = None,
) -> Draft | None:
    """The ledger's answer to what `question` requests, None if it has nothing to say.

    `sentences` are the corpus's; `judgement` is what the essay has to say to the question,
    by which a claim that it names is found.
    """
    thesis = [claim for claim in claims if claim.role == "thesis"]
    meant = _meant(question, claims, judgement) if request.named else thesis
    shown: list[Citation] = []
    reason = None
    match request.wanted:
        case "list":
            listed = [claim for claim in claims if _is_of(claim, request.sort)]
            shown = [claim.quote for claim in listed[:LISTED]]
            reason = "incomplete" if len(listed) > LISTED else None
        case "wrong":
            for claim in _contested(claims):
                shown += [claim.quote, *claim.against[:1]]
        case "against":
            most = EACH_SIDE if request.named else AGAINST
            for claim in meant:
                if claim.against:
                    shown += [claim.quote, *claim.against[:most]]
        case "evidence":
            shown = [quote for claim in meant for quote in (claim.quote, *claim.given)]
            if not any(claim.given for claim in meant):
                reason = "essay_silent"
                shown += [q for c in meant for q in (*c.support[:1], *c.against[:1])]
        case "check":
            for claim in meant:
                if claim.verdict or claim.support or claim.against:
                    both = (*claim.support[:EACH_SIDE], *claim.against[:EACH_SIDE])
                    shown += [claim.quote, *both]
    found = _sentences(shown, sentences)
    return Draft(found, reason=reason) if found else None


def _is_of(claim: Claim, sort: tuple[str, str]) -> bool:
    field, value = sort
    if field == "given":
        return not claim.given and claim.kind != "reported"
    return not field or getattr(claim, field) == value


def _contested(claims: Iterable[Claim]) -> list[Claim]:
    """The claims that other sources bear out least, those they dispute first."""
    found = [claim for claim in claims if claim.verdict in ("disputed", "qualified")]
    found.sort(key=lambda claim: GRAVITY.index(claim.verdict))
    return found[:CONTESTED]


def _meant(question: str, claims: Sequence[Claim], judgement: Judgement | None) -> list[Claim]:
    """Of the likeliest sentence of the essay that makes any claim, those that share the
    most words with the question."""
    asked = stems(question)
    for scored in judgement.sentences if judgement else ():
        s = scored.sentence
        if found := claims_in(claims, s.chunk.document_id, s.start, s.end):
            shared = [len(asked & stems(claim.quote.quote)) for claim in found]
            best = [c for c, count in zip(found, shared, strict=True) if count == max(shared)]
            return best[:CHECKED]
    return []


def _sentences(
    quotes: Iterable[Citation], sentences: Sequence[Sentence]
) -> tuple[DraftSentence, ...]:
    """The sentences that hold `quotes`, each once, in the order of the quotes."""
    found: dict[tuple[str, int], Sentence] = {}
    for quote in quotes:
        for s in sentences:
            inside = s.chunk.document_id == quote.document_id
            if inside and s.start < quote.end and quote.start < s.end:
                found.setdefault((s.chunk.document_id, s.start), s)
    return tuple(map(drafted, found.values()))
