"""What a question asks of the ledger of claims, told by fitted weights.

Readers ask for the same thing in words without end ("fact-check the $200bn", "does he
prove that?"), so this is a classifier of a question's meaning and word runs, fitted by
`python -m evals.fit_wanted` on questions written for it.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, cast

from .types import Vectors

# "check" whether a claim is borne out; the "evidence" the essay gives for it; what speaks
# "against" it, or against the essay; what is "wrong" with the essay; "list" claims.
Wanted = Literal["check", "evidence", "against", "wrong", "list"]
# The claims that a list may be of: a field of `Claim` and its value; "given" is empty for
# claims that the essay gives nothing for.
SORTS: dict[str, tuple[str, str]] = {
    **{kind: ("kind", kind) for kind in ("fact", "judgement", "cause", "forecast", "reported")},
    **{
        verdict: ("verdict", verdict)
        for verdict in ("disputed", "qualified", "corroborated", "not_found")
    },
    **{role: ("role", role) for role in ("concession", "premise")},
    "no_evidence": ("given", ""),
    "all": ("", ""),
}
# How likely it must be that a question is about claims and not about what they say; at one
# half, 13 % of unseen look-alikes passed for one and 96 % of the others, at this 7 and 93 %.
SURE = 0.7
ORDINARY = "ordinary"


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of the ledger. `named` says that the question names a claim or topic,
    `sort` which claims to list: a field of `Claim` and its value."""

    wanted: Wanted
    named: bool = False
    sort: tuple[str, str] = ("", "")


def read_request(text: str, meaning: Vectors) -> Request | None:
    """What a question asks of the ledger, None if it is an ordinary question. `meaning` is
    its vector, shape (384,)."""
    chances = chances_of("wanted", text, meaning)
    if chances.pop(ORDINARY) > 1 - SURE:
        return None
    wanted = cast(Wanted, max(chances, key=lambda name: chances[name]))
    if wanted == "list":
        sorts = chances_of("sort", text, meaning)
        return Request("list", sort=SORTS[max(sorts, key=lambda name: sorts[name])])
    named = wanted != "wrong" and chances_of("named", text, meaning)["yes"] >= 0.5
    return Request(wanted, named)


def word_runs(text: str) -> set[str]:
    """The runs of one to three words in `text`, in lower case."""
    words = re.findall(r"\w+", text.lower().replace("’", "'"))
    return {" ".join(words[i : i + n]) for n in (1, 2, 3) for i in range(len(words) - n + 1)}


def chances_of(model: str, text: str, meaning: Vectors) -> dict[str, float]:
    """The chance in [0, 1] of each class of a multinomial logistic regression."""
    import numpy as np

    classes, constant, directions, runs = _models()[model]
    total = constant + directions @ meaning
    for run in word_runs(text) & runs.keys():
        total = total + runs[run]
    shares = np.exp(total - total.max())
    return dict(zip(classes, (shares / shares.sum()).tolist(), strict=True))


@cache
def _models() -> dict[str, tuple[list[str], Any, Any, dict[str, Any]]]:
    import numpy as np

    data = json.loads(Path(__file__).with_name("wanted.json").read_text(encoding="utf-8"))
    return {
        name: (
            model["classes"],
            np.array(model["constant"]),
            np.array(model["meaning"]),
            {run: np.array(weights) for run, weights in model["runs"].items()},
        )
        for name, model in data.items()
    }
