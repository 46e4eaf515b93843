"""A reader's misspelt words to the corpus's own."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from functools import lru_cache
from string import ascii_lowercase


def speller(texts: Iterable[str], is_word: Callable[[str], bool]) -> Callable[[str], str]:
    """A function that gives a word as the corpus spells it.

    One slip is mended: a letter lost, added or changed, or two swapped. A word that the
    corpus or the language (`is_word`, of lower-case words) knows is left alone, and so is
    one that several words would explain, unless one of them is a name in the corpus; so is
    another form of a known word.
    """
    counts = Counter(word for text in texts for word in re.findall(r"[^\W\d_]{4,}", text))
    spelled: dict[str, str] = {}
    for word, _ in counts.most_common():
        spelled.setdefault(word.lower(), word)

    @lru_cache(maxsize=4096)
    def spell(word: str) -> str:
        lower = word.lower()
        if lower in spelled or is_word(lower):
            return word
        # "forecasts" and "concede" are other forms of a word, not slips.
        forms = (lower.removesuffix("s"), lower.removesuffix("d"), lower + "s", lower + "d")
        if any(form != lower and is_word(form) for form in forms):
            return word
        near = _one_slip_away(lower)
        meant = {other for other in near if other in spelled or is_word(other)}
        names = {other for other in meant if spelled.get(other, other)[0].isupper()}
        for choice in (names, meant):
            if len(choice) == 1:
                (other,) = choice
                return spelled.get(other, other)
        return word

    return spell


def _one_slip_away(word: str) -> set[str]:
    splits = [(word[:i], word[i:]) for i in range(len(word) + 1)]
    lost = {left + right[1:] for left, right in splits if right}
    swapped = {left + right[1] + right[0] + right[2:] for left, right in splits if len(right) > 1}
    changed = {left + c + right[1:] for left, right in splits if right for c in ascii_lowercase}
    added = {left + c + right for left, right in splits for c in ascii_lowercase}
    return (lost | swapped | changed | added) - {word}
