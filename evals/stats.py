"""Means and percentiles with bootstrap 95% intervals, seeded so that a run repeats."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .results import Aggregate

SEED = 20250101
RESAMPLES = 2000
INTERVAL = (2.5, 97.5)


def mean(name: str, values: Sequence[float]) -> Aggregate:
    """The mean of `values`, which must not be empty, with its interval."""
    data = np.asarray(values, dtype=np.float64)
    return _aggregate(name, data, float(data.mean()), _resampled(data).mean(axis=1))


def percentile(name: str, values: Sequence[float], q: int) -> Aggregate:
    """The `q`th percentile as `<name>_p<q>`, with its interval."""
    data = np.asarray(values, dtype=np.float64)
    drawn = np.percentile(_resampled(data), q, axis=1)
    return _aggregate(f"{name}_p{q}", data, float(np.percentile(data, q)), drawn)


def _resampled(data: NDArray[np.float64]) -> NDArray[np.float64]:
    """`RESAMPLES` draws with replacement, shape (RESAMPLES, len(data))."""
    rng = np.random.default_rng(SEED)
    return data[rng.integers(0, len(data), size=(RESAMPLES, len(data)))]


def _aggregate(
    name: str, data: NDArray[np.float64], value: float, drawn: NDArray[np.float64]
) -> Aggregate:
    low, high = np.percentile(drawn, INTERVAL)
    return Aggregate(name, value, float(low), float(high), len(data))
