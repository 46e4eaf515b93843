"""Sentence spans: exact whatever the text, and right where splitters usually fail."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from essayqa.config import bundled_corpus
from essayqa.corpus import load_corpus
from essayqa.sentences import sentence_spans

# Prose-like pieces reach what random code points do not: the splitter's own rules.
PIECES = st.sampled_from(
    [
        *("He said ", "U.S. ", "No. 5", "“", "”", "‘", "’", '"', "'", ". ", "? ", "! ", "…", "..."),
        *("$200bn", "(see p. 4)", "\n\n", "\n", "\u00a0", "\u2028", "\u200b", "\ufeff", "e\u0301"),
        *(
            "Ｆｕｌｌ。",
            "中国。",
            "\x00",
            "\r\n",
            "-\n",
            "1. ",
            "[1]",
            "\U0001f642",
            "ﬁ",
            "İ",
            "ß",
            "—",
        ),
    ]
)


def split(text: str) -> list[str]:
    return [text[span.start : span.end] for span in sentence_spans(text)]


@settings(deadline=None, max_examples=400)
@given(st.text(max_size=150) | st.lists(PIECES, max_size=25).map("".join))
def test_spans_are_exact_ordered_and_lose_nothing(text: str) -> None:
    # The splitter normalises some characters, so offsets taken from it once drifted.
    end = 0
    for span in sentence_spans(text):
        sentence = text[span.start : span.end]
        assert sentence
        assert sentence == sentence.strip()
        assert not text[end : span.start].strip()
        assert span.start >= end
        end = span.end
    assert not text[end:].strip()


@pytest.mark.parametrize(
    "sentences",
    [
        ["Trade between Moscow and Beijing now tops $200bn.", "China imports Russian energy."],
        ["Trade rose 1.9% to $244.81bn in 2024.", "It fell later."],
        ["The U.S. economy grew.", "It then shrank."],
        ["The U.S. Senate voted.", "It passed."],
        ["U.S. and U.K. troops left.", "Others stayed."],
        ["The pictures are by Julian D. Paulsen.", "He draws."],
        ["Resolution No. 5 was adopted.", "It failed."],
        ["It was No. 5.", "Then came others."],
        ["Mr. Putin and Dr. Kissinger met on Jan. 5.", "It was cold."],
        ["This is true (see p. 4).", "It holds."],
        ['He said "we will not go."', "Then he left."],
        ["He said “we will not go.”", "Then he left."],
        ["He said ‘we will not go.’", "Then he left."],
        ["“Is it over?” he asked.", "Nobody knew."],
        ["Will Trump's 'reverse Kissinger' work?", "Kissinger exploited the split."],
        ["It groups states of the Global South.", "India remains a partner."],
        ["Clashes came in 1969.", "By 1970, relations were at a nadir.", "In 1972 Nixon went."],
        ["It is no longer bipolar—it is multipolar.", "The distinction is crucial."],
        ["That assumption is naïve.", "For Moscow, it is clear: it cannot be trusted."],
        ["Letting banks return to SWIFT, etc) would lead to it.", "It would not."],
    ],
    ids=lambda sentences: sentences[0],
)
@pytest.mark.parametrize("gap", [" ", "\n", "\n\n", "\u00a0 "], ids=repr)
def test_a_sentence_ends_where_a_reader_ends_it(sentences: list[str], gap: str) -> None:
    assert split(gap.join(sentences)) == sentences


@pytest.mark.parametrize("text", ["", " ", "\n\u00a0\t"])
def test_nothing_has_no_sentences(text: str) -> None:
    assert sentence_spans(text) == []


def test_every_sentence_of_the_corpus_looks_like_one() -> None:
    # A sentence that begins in lower case was cut inside another.
    for document in load_corpus(bundled_corpus()):
        for paragraph in document.text.split("\n\n"):
            if paragraph.strip() and not paragraph.startswith("#"):
                for sentence in split(paragraph):
                    assert not sentence[0].islower(), sentence
                    assert sentence[-1] in ".?!", sentence
