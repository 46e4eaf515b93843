"""`claims.yaml` to `Claim`s: the ledger of what an essay claims and what others say of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, get_args

import yaml

from .errors import CorpusError
from .types import Chunk, Citation, Claim, ClaimKind, Document, Kind, Role, Verdict

# The ledger's place in a corpus.
CLAIMS = "claims.yaml"
# The worst first: what a reader most needs to know of a sentence that makes several claims.
GRAVITY: tuple[Verdict | None, ...] = ("disputed", "qualified", "not_found", "corroborated", None)
# What a verdict has to rest on.
_RESTS_ON = {
    "corroborated": ("for",),
    "qualified": ("for", "against"),
    "disputed": ("against",),
    "not_found": (),
}
_KEYS = {
    *("id", "quote", "kind", "holder", "given", "verdict", "for", "against", "why"),
    *("settled_by", "role", "under"),
}


def load_claims(
    folder: Path, documents: Sequence[Document], chunks: Sequence[Chunk]
) -> tuple[Claim, ...]:
    """The ledger in `folder`, in the order of the essay; empty if there is none.

    `claims` are entries with the fields of `Claim` (`for` is its `support`); quotes are
    copied word for word, the claim's and what is `given` for it from an essay, `for` and
    `against` from background documents. Raises `CorpusError` naming the entry when a
    quote does not stand exactly once where it should, a word is not one of those allowed,
    a verdict lacks what it rests on, or the map is not one tree.
    """
    path = folder / CLAIMS
    if not path.exists():
        return ()
    try:
        data = read_yaml(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise CorpusError(
            f"{CLAIMS!r} cannot be read as YAML: {' '.join(str(error).split())}"
        ) from None
    entries = data.get("claims") if isinstance(data, dict) else None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise CorpusError(f"{CLAIMS!r} must hold `claims:`, a list of entries")
    quotes = _Quotes(documents, chunks)
    claims = [
        _claim(entry, f"{CLAIMS!r}, entry {number}", quotes)
        for number, entry in enumerate(entries, start=1)
    ]
    _check_map(claims)
    return tuple(sorted(claims, key=lambda c: (c.quote.document_id, c.quote.start, c.quote.end)))


def claims_in(claims: Iterable[Claim], document_id: str, start: int, end: int) -> list[Claim]:
    """The claims made in `[start, end)` of a document, the gravest verdict first."""
    found = [
        claim
        for claim in claims
        if claim.quote.document_id == document_id
        and claim.quote.start < end
        and start < claim.quote.end
    ]
    return sorted(found, key=lambda claim: GRAVITY.index(claim.verdict))


def read_yaml(text: str) -> Any:
    """YAML as plain Python values, by libyaml where PyYAML has it: many times as fast."""
    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


class _Quotes:
    """Finds quotes in the documents of a kind."""

    def __init__(self, documents: Sequence[Document], chunks: Sequence[Chunk]) -> None:
        self._documents = documents
        self._chunks: dict[str, list[Chunk]] = {}
        for chunk in chunks:
            self._chunks.setdefault(chunk.document_id, []).append(chunk)

    def find(self, quote: str, kind: Kind, number: int, where: str) -> Citation:
        found = [(d, d.text.find(quote)) for d in self._documents if d.kind == kind]
        found = [(document, start) for document, start in found if start >= 0]
        if len(found) != 1 or found[0][0].text.count(quote) > 1:
            often = "more than once" if found else "nowhere"
            raise CorpusError(
                f"{where}: stands {often} in the {kind} documents: {quote!r}; "
                "copy it from there, long enough to be found once"
            )
        document, start = found[0]
        end = start + len(quote)
        chunk = next(
            (c for c in self._chunks.get(document.id, ()) if c.start <= start < c.end), None
        )
        return Citation.of(document, start, end, chunk.heading if chunk else "", number)


def _claim(entry: dict[str, Any], where: str, quotes: _Quotes) -> Claim:
    where = f"{where} ({entry.get('id', 'no id')})"
    if unknown := entry.keys() - _KEYS:
        raise CorpusError(f"{where}: unknown key {min(map(str, unknown))!r}")
    for key in ("id", "quote", "kind", "holder"):
        if not isinstance(entry.get(key), str) or not entry[key].strip():
            raise CorpusError(f"{where}: `{key}` is missing or not text")
    for key, allowed in (
        ("kind", get_args(ClaimKind)),
        ("verdict", (*get_args(Verdict), None)),
        ("role", (*get_args(Role), None)),
    ):
        if entry.get(key) not in allowed:
            choices = ", ".join(str(choice) for choice in allowed if choice)
            raise CorpusError(f"{where}: `{key}` is {entry[key]!r}; it must be one of {choices}")
    lists: dict[str, tuple[Citation, ...]] = {}
    kinds: tuple[tuple[str, Kind], ...] = (
        ("given", "essay"),
        ("for", "background"),
        ("against", "background"),
    )
    for key, kind in kinds:
        texts = entry.get(key) or []
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise CorpusError(f"{where}: `{key}` must be a list of quotes")
        lists[key] = tuple(
            quotes.find(text, kind, number, where) for number, text in enumerate(texts, start=1)
        )
    verdict: Verdict | None = entry.get("verdict")
    for key in _RESTS_ON[verdict] if verdict else ():
        if not lists[key]:
            raise CorpusError(f"{where}: {verdict!r} needs a quote in `{key}`")
    if verdict and not str(entry.get("why") or "").strip():
        raise CorpusError(f"{where}: a verdict needs its reason in `why`")
    return Claim(
        id=entry["id"],
        quote=quotes.find(entry["quote"], "essay", 1, where),
        kind=entry["kind"],
        holder=entry["holder"],
        given=lists["given"],
        verdict=verdict,
        support=lists["for"],
        against=lists["against"],
        why=str(entry.get("why") or "").strip(),
        settled_by=str(entry.get("settled_by") or "").strip(),
        role=entry.get("role"),
        under=str(entry.get("under") or ""),
    )


def _check_map(claims: Sequence[Claim]) -> None:
    by_id: dict[str, Claim] = {}
    for claim in claims:
        if claim.id in by_id:
            raise CorpusError(f"{CLAIMS!r}: two entries have the id {claim.id!r}")
        by_id[claim.id] = claim
    mapped = [claim for claim in claims if claim.role]
    for claim in mapped:
        seen = {claim.id}
        above: Claim | None = claim
        while above and above.under:
            above = by_id.get(above.under)
            if above is None or not above.role or above.id in seen:
                raise CorpusError(
                    f"{CLAIMS!r}: {claim.id!r} must stand under a claim of the map, and "
                    "following `under` must end at the thesis"
                )
            seen.add(above.id)
        if above and above.role != "thesis":
            raise CorpusError(f"{CLAIMS!r}: {above.id!r} is no thesis, so it needs an `under`")
    if mapped and sum(claim.role == "thesis" for claim in mapped) != 1:
        raise CorpusError(f"{CLAIMS!r}: the map needs one thesis")
