"""Plots as SVG text. Pure functions; colours are the page's CSS variables."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from .results import Aggregate

WIDTH = 520
LABELS = 172
ROW = 22
TOP = 26
FOOT = 30


@dataclass(frozen=True, slots=True)
class Point:
    """What a threshold would do: the share of answerable questions answered and of the
    others declined, each in [0, 1]."""

    threshold: float
    answered: float
    declined: float


def bars(title: str, rows: Sequence[tuple[str, Aggregate]], aim: float | None = None) -> str:
    """Horizontal bars of values in [0, 1] with their intervals; `aim` is a dashed line."""
    right = WIDTH - 46
    height = TOP + ROW * len(rows) + FOOT

    def x(value: float) -> float:
        return LABELS + (right - LABELS) * min(max(value, 0.0), 1.0)

    base = height - FOOT
    parts = [_text(0, 14, title, "title")]
    for tick in (0, 0.25, 0.5, 0.75, 1):
        parts.append(_line(x(tick), TOP, x(tick), base, "grid"))
        parts.append(_text(x(tick), base + 15, f"{tick:g}", "tick", "middle"))
    for i, (label, figure) in enumerate(rows):
        y = TOP + ROW * i
        middle = y + ROW / 2
        tip = f"{label}: {figure.mean:.2f} ({figure.low:.2f} to {figure.high:.2f}), n = {figure.n}"
        parts += [
            f"<g><title>{escape(tip)}</title>",
            _text(LABELS - 8, middle + 4, label, "label", "end"),
            _rect(LABELS, y + 4, x(figure.mean) - LABELS, ROW - 8, "bar"),
            _line(x(figure.low), middle, x(figure.high), middle, "whisker"),
            _line(x(figure.low), middle - 4, x(figure.low), middle + 4, "whisker"),
            _line(x(figure.high), middle - 4, x(figure.high), middle + 4, "whisker"),
            _text(WIDTH, middle + 4, f"{figure.mean:.2f}", "value", "end"),
            "</g>",
        ]
    if aim is not None:
        parts.append(_line(x(aim), TOP - 3, x(aim), base, "aim"))
    return _svg(title, WIDTH, height, parts)


def curve(
    title: str,
    points: Sequence[Point],
    answered: Aggregate,
    declined: Aggregate,
    aim: tuple[float, float] | None = None,
) -> str:
    """Answer rate across, decline rate up: the sweep's line if there is one, the point
    the pipeline works at with both intervals, and the corner `aim` asks for."""
    size, left, top = 300, 46, TOP
    width, height = left + size + 20, top + size + 44

    def x(value: float) -> float:
        return left + size * value

    def y(value: float) -> float:
        return top + size * (1 - value)

    parts = [_text(0, 14, title, "title")]
    for tick in (0, 0.25, 0.5, 0.75, 1):
        parts += [
            _line(x(tick), y(0), x(tick), y(1), "grid"),
            _line(x(0), y(tick), x(1), y(tick), "grid"),
            _text(x(tick), y(0) + 15, f"{tick:g}", "tick", "middle"),
            _text(x(0) - 6, y(tick) + 4, f"{tick:g}", "tick", "end"),
        ]
    if aim:
        parts.append(_rect(x(aim[0]), y(1), x(1) - x(aim[0]), y(aim[1]) - y(1), "corner"))
    if points:
        path = " ".join(f"{x(p.answered):.1f},{y(p.declined):.1f}" for p in points)
        parts.append(f'<polyline class="line" points="{path}"/>')
    tip = (
        f"answered {answered.mean:.2f} of the answerable, declined {declined.mean:.2f} of the rest"
    )
    across, up = x(answered.mean), y(declined.mean)
    parts += [
        f"<g><title>{escape(tip)}</title>",
        _line(x(answered.low), up, x(answered.high), up, "whisker"),
        _line(across, y(declined.low), across, y(declined.high), "whisker"),
        f'<circle class="point" cx="{across:.1f}" cy="{up:.1f}" r="5"/>',
        "</g>",
        _text(x(0.5), y(0) + 34, "answerable questions answered", "axis", "middle"),
        f'<g transform="translate(11 {y(0.5):.1f}) rotate(-90)">'
        + _text(0, 0, "unanswerable questions declined", "axis", "middle")
        + "</g>",
    ]
    return _svg(title, width, height, parts)


def histogram(title: str, values: Sequence[float], marks: Mapping[str, float]) -> str:
    """How often each range of milliseconds occurs, with `marks` as labelled lines."""
    left, top, base, right = 40, TOP + 20, 250, WIDTH - 16
    step = _step(max(values, default=1.0) / 24)
    last = max([*values, *marks.values()], default=step)
    count = max(math.floor(last / step) + 1, 1)
    bins = [0] * count
    for value in values:
        bins[math.floor(value / step)] += 1
    tallest = max([*bins, 1])
    parts = [_text(0, 14, title, "title")]

    def x(value: float) -> float:
        return left + (right - left) * value / (count * step)

    for tick in sorted({0, tallest // 2, tallest}):
        y = base - (base - top) * tick / tallest
        parts += [
            _line(left, y, right, y, "grid"),
            _text(left - 6, y + 4, str(tick), "tick", "end"),
        ]
    for i, n in enumerate(bins):
        height = (base - top) * n / tallest
        tip = f"{i * step:g} to {(i + 1) * step:g} ms: {n}"
        parts += [
            f"<g><title>{escape(tip)}</title>",
            _rect(x(i * step) + 0.5, base - height, x(step) - left - 1, height, "bar"),
            "</g>",
        ]
    every = max(1, math.ceil(count / 8))
    for i in range(0, count + 1, every):
        parts.append(_text(x(i * step), base + 15, f"{i * step:g}", "tick", "middle"))
    # Alternating heights keep two close labels apart.
    for i, (label, value) in enumerate(sorted(marks.items(), key=lambda item: item[1])):
        parts += [
            _line(x(value), top - 6, x(value), base, "mark"),
            _text(x(value) + 4, top - 8 + 13 * (i % 2), f"{label} {value:.0f} ms", "value"),
        ]
    parts.append(_text((left + right) / 2, base + 34, "milliseconds an answer", "axis", "middle"))
    return _svg(title, WIDTH, base + 42, parts)


def _step(least: float) -> float:
    """The smallest of 1, 2, 5, 10, 20, … that is at least `least`."""
    power = 10.0 ** math.floor(math.log10(max(least, 1.0)))
    return next(power * m for m in (1, 2, 5, 10) if power * m >= least)


def _svg(title: str, width: float, height: float, parts: Sequence[str]) -> str:
    return (
        f'<svg role="img" aria-label="{escape(title)}" viewBox="0 0 {width:g} {height:g}" '
        f'style="max-width: {width:g}px">{"".join(parts)}</svg>'
    )


def _text(x: float, y: float, text: str, style: str, anchor: str = "start") -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text class="{style}" {place}>{escape(text)}</text>'


def _line(x1: float, y1: float, x2: float, y2: float, style: str) -> str:
    return f'<line class="{style}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _rect(x: float, y: float, width: float, height: float, style: str) -> str:
    size = f'width="{max(width, 0):.1f}" height="{max(height, 0):.1f}"'
    return f'<rect class="{style}" x="{x:.1f}" y="{y:.1f}" {size}/>'
