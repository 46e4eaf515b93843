"""The ledger as HTML: a list to filter, and the argument as a map and as a list."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from html import escape

import svg

from ..render import KINDS, VERDICTS, anchor, evidence_html, place, verdict_text
from ..types import Claim, Verdict

# Pixels: a node's width, the gap beside and below it, a line of its text.
WIDTH, GAP, BELOW, LINE = 208, 24, 12, 16
CHARACTERS = 29
LINES = 7
# There is little room on the map.
BRIEFLY: dict[Verdict, str] = {
    "corroborated": "borne out",
    "qualified": "in part",
    "disputed": "disputed",
    "not_found": "no source",
}


def claims_html(claims: Sequence[Claim]) -> str:
    """A list of claims; each links to its sentence, its evidence folded beneath."""
    if not claims:
        return "<p>No claim is of all these sorts.</p>"
    many = "claim" if len(claims) == 1 else "claims"
    items = "".join(map(_claim_html, claims))
    return f'<p role="status">{len(claims)} {many}</p><ol class="claims">{items}</ol>'


def _claim_html(claim: Claim) -> str:
    about = " · ".join(
        part for part in (KINDS[claim.kind], claim.holder, claim.quote.heading) if part
    )
    found = ""
    if evidence := evidence_html(claim):
        others = claim.support or claim.against
        label = "what other sources say" if others else "what the essay gives for it"
        label = VERDICTS[claim.verdict] if claim.verdict else label
        found = f"<details><summary>{escape(label)}</summary>{evidence}</details>"
    return (
        f'<li><a href="#{anchor(claim.quote)}">“{escape(claim.quote.quote)}”</a>'
        f"<span class='place'>{escape(about)}</span>{found}</li>"
    )


def map_html(claims: Sequence[Claim]) -> str:
    """The argument map: a drawing whose nodes link to their sentences, and the same tree as
    a list for those who would rather read it. Empty when no claim is on the map."""
    roots = [claim for claim in claims if claim.role and not claim.under]
    if not roots:
        return ""
    listed = "".join(_branch_html(root, claims) for root in roots)
    return (
        f'<div class="map">{_drawing(roots[0], claims)}</div>'
        f"<details><summary>The same as a list</summary><ul>{listed}</ul></details>"
    )


def _under(claim: Claim, claims: Iterable[Claim]) -> list[Claim]:
    return [c for c in claims if c.under == claim.id]


def _label(claim: Claim) -> str:
    found = f" · {BRIEFLY[claim.verdict]}" if claim.verdict else ""
    return f"{(claim.role or '').capitalize()}{found}"


def _branch_html(claim: Claim, claims: Sequence[Claim]) -> str:
    below = "".join(_branch_html(c, claims) for c in _under(claim, claims))
    return (
        f"<li><em>{escape(_label(claim))}</em> "
        f'<a href="#{anchor(claim.quote)}">{escape(claim.quote.quote)}</a>'
        + (f"<ul>{below}</ul>" if below else "")
        + "</li>"
    )


def _drawing(root: Claim, claims: Sequence[Claim]) -> str:
    """The tree from left to right, each claim beside the first of those beneath it, so that
    reading starts at the top left."""
    shapes: list[svg.Element] = []
    lines: list[svg.Element] = []
    right = 0

    def draw(claim: Claim, depth: int, top: int) -> tuple[int, int]:
        """Draws a branch from `top` down; the middle of its root and where it ends."""
        nonlocal right
        words = textwrap.wrap(
            " ".join(claim.quote.quote.split()), CHARACTERS, max_lines=LINES, placeholder=" …"
        )
        label = textwrap.wrap(_label(claim), CHARACTERS)
        height = LINE * (len(words) + len(label)) + 14
        bottom, middles = top, []
        for below in _under(claim, claims):
            middle, bottom = draw(below, depth + 1, bottom)
            middles.append(middle)
        bottom = max(bottom, top + height + BELOW)
        middle = top + height // 2
        left = 2 + depth * (WIDTH + GAP)
        right = max(right, left + WIDTH)
        for other in middles:
            bend = left + WIDTH + GAP // 2
            lines.append(
                svg.Path(
                    d=[
                        svg.M(left + WIDTH, middle),
                        svg.C(bend, middle, bend, other, left + WIDTH + GAP, other),
                    ],
                    class_=["edge"],
                )
            )
        shapes.append(_node(claim, left, top, height, label, words))
        return middle, bottom

    _, bottom = draw(root, 0, 2)
    drawing = svg.SVG(
        width=right + 2,
        height=bottom,
        viewBox=svg.ViewBoxSpec(0, 0, right + 2, bottom),
        extra={"role": "group", "aria-label": "The argument as a map"},
        elements=[*lines, *shapes],
    )
    return drawing.as_str()


def _node(
    claim: Claim, left: int, top: int, height: int, label: Sequence[str], words: Sequence[str]
) -> svg.Element:
    lines = [(line, "role") for line in label] + [(line, "quote") for line in words]
    return svg.A(
        href=f"#{anchor(claim.quote)}",
        class_=["node", claim.role or ""],
        elements=[
            svg.Title(
                text=svg.escape(
                    f"{claim.quote.quote} ({place(claim.quote)}; {verdict_text(claim)})"
                )
            ),
            svg.Rect(x=left, y=top, width=WIDTH, height=height, rx=6),
            *(
                svg.Text(
                    x=left + 10, y=top + LINE * (i + 1) + 2, class_=[kind], text=svg.escape(line)
                )
                for i, (line, kind) in enumerate(lines)
            ),
        ],
    )
