"""Text to sentence spans."""

from __future__ import annotations

import re
from itertools import pairwise

from .types import Span

# Its subject, after any opening phrase, is only a pronoun or a pointing word.
_LEANS = re.compile(
    r"(?:(?:yet|but|and|so|still|then|moreover|furthermore|likewise|instead|however|also),? "
    r"|[^,.;]{1,40}, )?"
    r"(?:it|he|she|they|this|that|these|those(?! (?:who|\w+ing)\b)|such|his|her|its|their"
    r"|both (?!\w+ and )"
    r"|all (?:two|three|four))\b",
    re.IGNORECASE,
)
_POINTS = re.compile(
    r"(?:(?:this|that|these|those) (?:also |still |too )?"
    r"(?:\w+s|was|were|had|would|will|could|led|made|meant)|such)\b",
    re.IGNORECASE,
)
_ASKS = re.compile(r"\?[\"'”’)\]]*$")


def leans(sentence: str) -> bool:
    """Whether a sentence needs the one before it to be understood ("This was …")."""
    return bool(_LEANS.match(sentence))


def points(sentence: str) -> bool:
    """Whether a sentence points at the one before it as a whole ("This was …", "Such a …")."""
    return bool(_POINTS.match(sentence))


# How many letters tell a word from others, whatever its ending.
STEM = 6


def stems(text: str) -> set[str]:
    """The longer words and the figures of a text, by how they begin."""
    return {word[:STEM] for word in re.findall(r"\w{4,}|\d+", text.lower())}


def asks(sentence: str) -> bool:
    """Whether a sentence is a question."""
    return bool(_ASKS.search(sentence))


def sentence_spans(text: str) -> list[Span]:
    """The sentences of `text`, in order, without surrounding white space.

    Every character that is not white space lies in exactly one span. Boundaries are
    syntok's, which knows abbreviations, initials and quotation marks.
    """
    from syntok import segmenter

    # Cut where sentences begin: a token's own text may differ from the source's, so an
    # end computed from it could drift.
    starts = (
        tokens[0].offset for paragraph in segmenter.analyze(text) for tokens in paragraph if tokens
    )
    cuts = sorted({0, len(text), *starts})
    spans: list[Span] = []
    for start, end in pairwise(cuts):
        part = text[start:end]
        if body := part.strip():
            offset = start + len(part) - len(part.lstrip())
            spans.append(Span(offset, offset + len(body)))
    return spans
