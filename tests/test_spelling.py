"""A typo finds the corpus's word; a real word, or a name the corpus lacks, is left alone."""

from __future__ import annotations

import pytest

from essayqa.models import OnnxEmbedder
from essayqa.spelling import speller

SPELL = speller(
    ["Kissinger flew to Beijing in secret. America is in decline. Sanctions bite."],
    OnnxEmbedder().knows,
)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("kisinger", "Kissinger"),
        ("bejing", "Beijing"),
        ("sceret", "secret"),
        ("amercia", "America"),
        ("sanctons", "Sanctions"),
        ("kissingerr", "Kissinger"),
    ],
)
def test_a_typo_is_read_as_the_corpus_spells_it(typed: str, meant: str) -> None:
    assert SPELL(typed) == meant


@pytest.mark.parametrize(
    "word",
    # Right as they are; other words that look alike; forms of a word; a name that the corpus
    # does not hold.
    [
        "forecasts",
        "concede",
        "Kissinger",
        "beijing",
        "secrets",
        "sections",
        "declined",
        "Macron",
        "Zelensky",
        "zzzzzz",
    ],
)
def test_a_word_that_may_be_meant_is_left_alone(word: str) -> None:
    assert SPELL(word) == word
