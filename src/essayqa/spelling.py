"""A reader's misspelt words to the corpus's own."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from functools import lru_cache

# How alike two words must be (difflib's ratio) for one to be read as the other: two
# letters swapped in a six-letter word, or one lost.
ALIKE = 0.83


def speller(texts: Iterable[str], is_word: Callable[[str], bool]) -> Callable[[str], str]:
    """A function that gives a word as the corpus spells it.

    A word that the corpus or the language (`is_word`, of lower-case words) knows is left
    alone, and so is one that resembles nothing in the corpus.
    """
    counts = Counter(word for text in texts for word in re.findall(r"[^\W\d_]{4,}", text))
    spelled: dict[str, str] = {}
    for word, _ in counts.most_common():
        spelled.setdefault(word.lower(), word)
    known = list(spelled)

    @lru_cache(maxsize=4096)
    def spell(word: str) -> str:
        lower = word.lower()
        if lower in spelled or is_word(lower):
            return word
        close = get_close_matches(lower, known, n=1, cutoff=ALIKE)
        return spelled[close[0]] if close else word

    return spell
