"""A first draft of a ledger, for a person to review."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import yaml

from .expected import figures_in
from .sentences import asks
from .types import ClaimKind, Sentence
from .voice import essay_voice

# How many quotes are proposed for and against a claim.
EACH_SIDE = 2
NOTE = """\
# A draft, made by rules of words: no verdict is in it, and nothing in it has been checked.
# For each claim: correct `kind` and `holder`; keep under `for` what bears it out and under
# `against` what speaks against it, delete the rest; then add `verdict` (corroborated,
# qualified, disputed, not_found) and `why`. Delete entries that claim nothing.
"""
_FORECAST = re.compile(
    r"\b(?:will|would|shall|likely to|is going to|are going to)\b", re.IGNORECASE
)
_CAUSE = re.compile(
    r"\b(?:because|led to|caused?|as a result|therefore|due to|thanks to|resulted in|so that)\b",
    re.IGNORECASE,
)
_OPINION = re.compile(
    r"\b(?:should|must|ought|impossible|flaw\w*|na[iï]ve|wrong|mistake\w*|clear(?:ly)?|seems?"
    r"|crucial|fundamental\w*|short-sighted|illusion|perhaps)\b",
    re.IGNORECASE,
)
_CONTRAST = re.compile(
    r"\b(?:but|however|although|only|not|no|never|fell|less|denie[sd]|disput\w+|reject\w*"
    r"|contrary|whereas|despite|unlike|sources differ)\b",
    re.IGNORECASE,
)


def draft_ledger(
    sentences: Iterable[Sentence], nearest: Callable[[Sentence, int], Sequence[Sentence]]
) -> str:
    """A `claims.yaml` of every sentence of the essays among `sentences` that asserts
    something, with the background sentences most like it.

    `nearest(sentence, k)` gives the `k` background sentences most like one. Those that
    contrast, or name other figures, are proposed as `against`: a guess for a person to
    judge.
    """
    entries = []
    for number, sentence in enumerate((s for s in sentences if s.chunk.kind == "essay"), 1):
        if asks(sentence.text):
            continue
        near = nearest(sentence, 3 * EACH_SIDE)
        contrary = [s.text for s in near if _contrasts(sentence.text, s.text)]
        agreeing = [s.text for s in near if s.text not in contrary]
        reported = essay_voice(sentence.text) == "reported"
        entry: dict[str, Any] = {
            "id": f"claim-{number}",
            "quote": sentence.text,
            "kind": "reported" if reported else _kind(sentence.text),
            "holder": "to be named" if reported else "the author",
            "for": agreeing[:EACH_SIDE],
            "against": contrary[:EACH_SIDE],
        }
        entries.append(entry)
    body = yaml.safe_dump({"claims": entries}, allow_unicode=True, sort_keys=False, width=100)
    return NOTE + str(body)


def _kind(text: str) -> ClaimKind:
    if _FORECAST.search(text):
        return "forecast"
    if _CAUSE.search(text):
        return "cause"
    return "judgement" if _OPINION.search(text) else "fact"


def _contrasts(claim: str, other: str) -> bool:
    figures, others = figures_in(claim), figures_in(other)
    return bool(_CONTRAST.search(other)) or bool(figures and others and not figures & others)
