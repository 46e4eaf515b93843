"""Questions with the facts, quotes and voice that a good answer has."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from essayqa import Turn

FOLDER = Path(__file__).with_name("cases")
SETS = ("fast", "tune", "held_out", "all")
TUNE = ("essay_direct", "readers", "everyday", "near_misses", "passers_by", "claims")
# Nobody looks at these while tuning, so that they show what unseen readers get.
HELD_OUT = ("held_out", "held_out_2", "held_out_3", "held_out_claims")
# Files are ordered by kind, so every ninth case keeps the mix.
FAST_STEP = 9

KINDS = (
    *("fact", "number", "date", "why", "compare", "list", "summary", "stance", "definition"),
    *("paraphrase", "terse", "typos", "multi_hop", "follow_up", "background"),
    *("essay_vs_background", "false_premise", "adversarial"),
    *("unanswerable_near", "unanswerable_far"),
    # What is asked of the ledger of claims.
    *("claim_check", "claim_evidence", "claim_against", "claim_wrong", "claim_list"),
)
STYLES = frozenset({"student", "journalist", "analyst", "sceptic"})
VOICES = frozenset({"author", "reported", "background"})


class CaseError(ValueError):
    """A file of cases cannot be read; the message names the file and the line."""


@dataclass(frozen=True, slots=True)
class Fact:
    """An atomic statement an answer must make; any of `patterns` shows that it does."""

    statement: str
    patterns: tuple[str, ...]

    def stated_in(self, text: str) -> bool:
        """Whether `text`, its white space made plain, says it."""
        return any(re.search(pattern, text, re.IGNORECASE) for pattern in self.patterns)


@dataclass(frozen=True, slots=True)
class Gold:
    """The best evidence: an exact span of a document, or `alternatives` as good."""

    document_id: str
    quote: str
    alternatives: tuple[str, ...] = ()

    @property
    def quotes(self) -> tuple[str, ...]:
        return (self.quote, *self.alternatives)


@dataclass(frozen=True, slots=True)
class Case:
    """A question and what a good answer to it holds.

    `voice` is whose view the answer states, None when there is nothing to answer with.
    """

    id: str
    kind: str
    style: str
    question: str
    answerable: bool
    facts: tuple[Fact, ...] = ()
    gold_quotes: tuple[Gold, ...] = ()
    voice: str | None = None
    history: tuple[Turn, ...] = ()

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Case:
        """The case one line of a file describes."""
        return cls(
            id=data["id"],
            kind=data["kind"],
            style=data["style"],
            question=data["question"],
            answerable=data["answerable"],
            facts=tuple(Fact(f["statement"], tuple(f["patterns"])) for f in data["facts"]),
            gold_quotes=tuple(
                Gold(g["document_id"], g["quote"], tuple(g.get("alternatives", ())))
                for g in data["gold_quotes"]
            ),
            voice=data["voice"],
            history=tuple(Turn(t["question"], t.get("answer") or "") for t in data["history"]),
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain lists, dicts and strings: the line `from_dict` reads."""
        # Through JSON, so that tuples are lists and a dict compares equal to one read back.
        data: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return data


def plain(text: str) -> str:
    """`text` with each run of white space, of any kind, as one space."""
    return " ".join(text.split())


def load(*sources: str | Path) -> tuple[Case, ...]:
    """The cases of sets ("tune", "held_out", "all", "fast"), files of `evals/cases` by
    name, or files by path, in that order. Raises `CaseError`."""
    return tuple(chain.from_iterable(_load(source) for source in sources))


def _load(source: str | Path) -> tuple[Case, ...]:
    if source in SETS:
        return _load_set(str(source))
    path = Path(source)
    return tuple(_read(path if path.suffix else _named(str(source))))


def _load_set(name: str) -> tuple[Case, ...]:
    tune = load(*TUNE)
    if name == "fast":
        return tune[::FAST_STEP]
    if name == "tune":
        return tune
    # A question that is tuned on as well is not unseen, whoever wrote it first.
    tuned_on = {_asked(case) for case in tune}
    unseen = tuple(case for case in load(*map(_named, HELD_OUT)) if _asked(case) not in tuned_on)
    return unseen if name == "held_out" else (*tune, *unseen)


def _asked(case: Case) -> tuple[str, tuple[Turn, ...]]:
    return plain(case.question).casefold(), case.history


def _named(name: str) -> Path:
    return FOLDER / f"{name}.jsonl"


def _read(path: Path) -> list[Case]:
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except OSError as error:
        raise CaseError(f"{str(path)!r} cannot be read: {error.strerror or error}") from None
    cases = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            cases.append(Case.from_dict(json.loads(line)))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise CaseError(f"{str(path)!r}, line {number}: {error!r}") from None
    return cases


def validate(cases: Iterable[Case], documents: Mapping[str, str]) -> list[str]:
    """What is wrong with `cases`, a line each; `documents` maps ids to texts.

    Proves that every gold quote stands in its document and that every pattern finds its
    fact in the case's own gold, so that a perfect answer scores perfectly.
    """
    found: list[str] = []
    seen: set[str] = set()
    for case in cases:
        if case.id in seen:
            found.append(f"{case.id}: another case has this id")
        seen.add(case.id)
        found += [f"{case.id}: {fault}" for fault in _faults(case, documents)]
    return found


def _faults(case: Case, documents: Mapping[str, str]) -> list[str]:
    found = []
    if case.kind not in KINDS:
        found.append(f"unknown kind {case.kind!r}")
    if case.style not in STYLES:
        found.append(f"unknown style {case.style!r}")
    if not case.question.strip():
        found.append("no question")
    if case.kind == "follow_up" and not case.history:
        found.append("a follow-up without history")
    if case.answerable:
        if not case.facts or not case.gold_quotes:
            found.append("answerable, but without facts or gold quotes")
        if case.voice not in VOICES:
            found.append(f"unknown voice {case.voice!r}")
    elif case.facts or case.gold_quotes or case.voice is not None:
        found.append("unanswerable, but with facts, gold quotes or a voice")
    for gold in case.gold_quotes:
        found += _gold_faults(gold, documents)
    for fact in case.facts:
        found += _fact_faults(fact, case.gold_quotes)
    return found


def _gold_faults(gold: Gold, documents: Mapping[str, str]) -> list[str]:
    text = documents.get(gold.document_id)
    if text is None:
        return [f"unknown document {gold.document_id!r}"]
    return [
        f"not in {gold.document_id!r}: {quote!r}"
        for quote in gold.quotes
        if not quote.strip() or quote not in text
    ]


def _fact_faults(fact: Fact, golds: Sequence[Gold]) -> list[str]:
    found = []
    texts = [plain(quote) for gold in golds for quote in gold.quotes]
    for pattern in fact.patterns:
        try:
            compiled = re.compile(pattern, re.IGNORECASE)
        except re.error as error:
            found.append(f"pattern {pattern!r} does not compile: {error}")
            continue
        if compiled.search(""):
            found.append(f"pattern {pattern!r} matches anything")
        if not any(compiled.search(text) for text in texts):
            found.append(f"pattern {pattern!r} does not match the gold")
    if not fact.patterns:
        found.append(f"no pattern for {fact.statement!r}")
    return found
