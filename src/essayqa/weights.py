"""Fitted weights: signals to the chance that something answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any


def weigh(model: str, signals: Mapping[str, Any]) -> Any:
    """The chance in [0, 1] that a logistic regression gives to `signals`, numbers or arrays
    of one shape, of which it takes those it was fitted on (`python -m evals.fit`)."""
    import numpy as np

    constant, weights = _models()[model]
    total = sum((w * signals[name] for name, w in weights.items()), start=constant)
    return 1 / (1 + np.exp(-total))


@cache
def _models() -> dict[str, tuple[float, dict[str, float]]]:
    data = json.loads(Path(__file__).with_name("weights.json").read_text(encoding="utf-8"))
    return {name: (model["constant"], model["weights"]) for name, model in data.items()}
