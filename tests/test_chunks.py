"""Chunks: exact slices of prose, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from essayqa.chunks import MAX_WORDS, chunk_document
from essayqa.config import bundled_corpus
from essayqa.corpus import load_corpus
from essayqa.sentences import sentence_spans
from essayqa.types import Chunk, Document


def document(text: str, path: str = "a.md", document_id: str = "a") -> Document:
    return Document(id=document_id, title="T", kind="essay", text=text, path=path)


def chunks(text: str, path: str = "a.md") -> list[Chunk]:
    return chunk_document(document(text, path))


# What must not become evidence, each block closed off from the prose beside it.
BLOCKS = st.sampled_from(
    [
        *("# HEADING\n", "## HEADING ##\n", "\nHEADING\n---\n\n", "\n![PICTURE](a.png)\n\n"),
        *("\n[![PICTURE](a.png)](b)\n\n", "\n| TABLE | x |\n|---|---|\n| TABLE | y |\n\n"),
        *("\n```\nCODE\n```\n", "\n~~~py\nCODE\n\nCODE\n~~~\n", "\n\n    CODE\n\n"),
        *("\n<div>\nHTML\n</div>\n\n", "\n<!-- HTML\n\nHTML -->\n\n"),
    ]
)
PROSE = st.sampled_from(
    [
        *("Some prose. More of it.\n", "\n\n", "- an item\n", "1. a point\n", "  - nested\n"),
        *("> said.\n", ">> nested\n", "lazy\n", "**bold** and `ticks`\n", "\u00a0", "\u2028"),
        *("\x0b", "\x00", "\r", "\t", "  \n", "\\\n", "* * *\n", "&amp; x\n", "\u3000wide\n"),
        *("\U0001f642 e\u0301\n", "> \n"),
    ]
)
DOCUMENTS = st.lists(PROSE | BLOCKS, max_size=25).map("".join)


def check(text: str, path: str) -> list[Chunk]:
    found = chunks(text, path)
    end = 0
    for ordinal, chunk in enumerate(found):
        assert chunk.text == text[chunk.start : chunk.end]
        assert chunk.text
        assert chunk.text == chunk.text.strip()
        assert chunk.start >= end
        assert chunk.ordinal == ordinal
        end = chunk.end
    assert len({chunk.id for chunk in found}) == len(found)
    return found


@settings(deadline=None, max_examples=400)
@given(DOCUMENTS | st.text(max_size=150), st.sampled_from(["a.md", "a.markdown", "a.txt"]))
def test_chunks_are_exact_slices_in_order_whatever_the_text(text: str, path: str) -> None:
    check(text, path)


@settings(deadline=None, max_examples=200)
@given(st.lists(BLOCKS | st.just("\nSome prose.\n\n"), max_size=15).map("".join))
def test_structure_never_becomes_evidence(text: str) -> None:
    # A cross-encoder loves a heading that repeats the question.
    assert {chunk.text for chunk in check(text, "a.md")} <= {"Some prose."}
    assert len(chunks(text)) == text.count("Some prose.")


@settings(deadline=None, max_examples=150)
@given(st.text(max_size=150))
def test_plain_text_is_kept_whole(text: str) -> None:
    covered = check(text, "a.txt")
    gaps = [0, *(x for chunk in covered for x in (chunk.start, chunk.end)), len(text)]
    for start, end in zip(gaps[::2], gaps[1::2], strict=True):
        assert not text[start:end].strip()


def test_plain_text_is_not_read_as_markdown() -> None:
    found = chunks("# One\n\n    indented\n\n- a\n- b\n", "a.txt")
    assert [(c.heading, c.text) for c in found] == [
        ("", "# One"),
        ("", "indented"),
        ("", "- a\n- b"),
    ]


def test_each_chunk_carries_the_heading_it_stands_under() -> None:
    found = chunks("Top.\n\n# A   title #\n\nOne.\n\nTwo.\n\nSetext\n===\nThree.\n")
    assert [(c.heading, c.text) for c in found] == [
        ("", "Top."),
        ("A title", "One."),
        ("A title", "Two."),
        ("Setext", "Three."),
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("- one\n- two\n\n  more of two\n", ["one", "two", "more of two"]),
        ("1. one\n   1. nested\n", ["one", "nested"]),
        ("- same\n- same\n", ["same", "same"]),
        ("> quoted\n> on.\n>\n> Again.\n", ["quoted\n> on.", "Again."]),
        ("> - deep\n", ["deep"]),
        ("Two\n  lines.\n", ["Two\n  lines."]),
        ("Prose with ![a picture](a.png) in it.\n", ["Prose with ![a picture](a.png) in it."]),
    ],
)
def test_list_items_and_quotations_stand_without_their_first_mark(
    text: str, found: list[str]
) -> None:
    assert [chunk.text for chunk in check(text, "a.md")] == found


@pytest.mark.parametrize("path", ["a.md", "a.txt"])
def test_a_long_paragraph_is_cut_between_sentences(path: str) -> None:
    sentence = "The U.S. word " + "word " * 36 + "ends."  # 40 words
    assert len(sentence.split()) == 40
    text = " ".join([sentence] * 10)
    found = check(text, path)
    assert [len(chunk.text.split()) for chunk in found] == [160, 160, 80]
    ends = {span.end for span in sentence_spans(text)}
    assert {chunk.end for chunk in found} <= ends


@pytest.mark.parametrize(("words", "count"), [(MAX_WORDS // 2, 1), (MAX_WORDS // 2 + 1, 2)])
def test_max_words_is_still_one_chunk_and_one_more_is_two(words: int, count: int) -> None:
    sentence = "Word " + "word " * (words - 2) + "end."
    assert len(chunks(f"{sentence} {sentence}")) == count


def test_a_sentence_longer_than_a_chunk_is_not_torn() -> None:
    sentence = "Word " + "word " * (2 * MAX_WORDS) + "end."
    assert [c.text for c in chunks(f"Before it. {sentence} After it.")] == [
        "Before it.",
        sentence,
        "After it.",
    ]


def test_an_id_survives_the_text_moving_and_nothing_else() -> None:
    # Ids decide which vectors are reused, so a stale one would search for other words.
    def ids(text: str, document_id: str = "a") -> list[str]:
        return [chunk.id for chunk in chunk_document(document(text, document_id=document_id))]

    [original] = ids("# H\n\nText.")
    assert ids("New first.\n\n# H\n\nNew.\n\nText.")[-1] == original
    assert ids("# H\n\nText!") != [original]
    assert ids("# Other\n\nText.") != [original]
    assert ids("# H\n\nText.", "b") != [original]


def test_equal_paragraphs_get_different_ids_that_do_not_change() -> None:
    text = "Same.\n\nSame.\n\nSame."
    ids = [chunk.id for chunk in chunks(text)]
    assert len(set(ids)) == 3
    assert ids == [chunk.id for chunk in chunks("First.\n\n" + text)][1:]


def test_what_a_citation_needs_comes_along() -> None:
    d = Document(
        id="b", title="T", kind="background", text="Text.", url="https://a.example", path="b.md"
    )
    [chunk] = chunk_document(d)
    assert (chunk.document_id, chunk.title, chunk.kind, chunk.url) == (d.id, d.title, d.kind, d.url)


def test_every_paragraph_of_the_corpus_is_a_chunk() -> None:
    for d in load_corpus(bundled_corpus()):
        paragraphs = [p.strip() for p in d.text.split("\n\n") if p.strip()]
        prose = [p for p in paragraphs if not p.startswith("#")]
        assert [c.text for c in chunk_document(d)] == prose
        # Two headings of the essay hold a non-breaking space.
        headings = {" ".join(p.lstrip("#").split()) for p in paragraphs if p.startswith("#")}
        assert {c.heading for c in chunk_document(d)} - {""} == headings
