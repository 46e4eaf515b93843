"""The loader: what it takes from a folder, and which line it says when it cannot."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from essayqa.corpus import load_corpus
from essayqa.errors import CorpusError
from essayqa.types import Reference

if TYPE_CHECKING:
    from conftest import MakeCorpus


def front(lines: str, body: str = "Body.\n") -> str:
    return f"---\n{lines}\n---\n{body}"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"caf\xe9", "is not UTF-8 (byte 3); save it as UTF-8", id="latin-1"),
        pytest.param("text".encode("utf-16"), "is not UTF-8 (byte 0)", id="utf-16"),
        pytest.param("", "is empty", id="empty"),
        pytest.param(" \n\t\n", "is empty", id="white space only"),
        pytest.param(front("title: T", ""), "is empty", id="front matter only"),
        pytest.param("\ufeff", "is empty", id="byte order mark only"),
        pytest.param("---\ntitle: T\n\nBody.", "`---` on line 1 is never closed", id="unclosed"),
        pytest.param(front("title: T\nkind: [essay"), "not valid YAML at line 4", id="broken"),
        pytest.param(front("published: 2026-13-45"), "not valid YAML: month", id="no such date"),
        pytest.param(front("- a list"), "must be `key: value` lines", id="a list on top"),
        pytest.param(front("just words"), "must be `key: value` lines", id="words on top"),
        pytest.param(front("kind: memo"), "`kind` is 'memo'; it must be essay", id="bad kind"),
        pytest.param(front("kind: [essay]"), "`kind` in the front matter must be text", id="kinds"),
        pytest.param(front("title: {a: b}"), "`title` in the front matter must be text", id="map"),
        pytest.param(front("references: x"), "`references` must be a list", id="references text"),
        pytest.param(front("references: [x]"), "`references` must be a list", id="bare reference"),
        pytest.param(
            front("references: [{url: [x]}]"), "`url` in the front matter must be text", id="urls"
        ),
    ],
)
def test_a_document_that_cannot_be_used_is_named_with_the_reason(
    make_corpus: MakeCorpus, content: str | bytes, message: str
) -> None:
    folder = make_corpus({"good.md": "Fine.", "sub/bad.md": content})
    with pytest.raises(CorpusError, match=re.escape(message)) as raised:
        load_corpus(folder)
    assert repr(str(Path("sub", "bad.md"))) in str(raised.value)


def test_an_unreadable_document_is_an_error_not_a_gap(make_corpus: MakeCorpus) -> None:
    # Root may read any file, so a link to nothing stands for one that cannot be opened.
    folder = make_corpus({"good.md": "Fine."})
    (folder / "gone.md").symlink_to(folder / "nowhere")
    with pytest.raises(CorpusError, match=r"'gone\.md' cannot be read: No such file"):
        load_corpus(folder)


@pytest.mark.parametrize(
    "files",
    [
        {"essay.md": "One.", "background/essay.md": "Two."},
        {"essay.md": "One.", "essay.txt": "Two."},
        {"essay.md": "One.", "other.md": front("id: essay")},
    ],
)
def test_two_documents_with_one_id_are_both_named(
    make_corpus: MakeCorpus, files: dict[str, str]
) -> None:
    # A citation could not say which of them it stands in.
    with pytest.raises(CorpusError, match="share the id 'essay'") as raised:
        load_corpus(make_corpus(files))
    assert all(repr(str(Path(name))) in str(raised.value) for name in files)


def test_a_folder_that_cannot_be_a_corpus_says_so(make_corpus: MakeCorpus) -> None:
    folder = make_corpus({"notes.pdf": "x", "file": "x"})
    for path, message in [
        (folder, "holds no .md, .markdown or .txt file"),
        (folder / "missing", "does not exist"),
        (folder / "file", "is not a folder"),
    ]:
        with pytest.raises(CorpusError, match=re.escape(message)) as raised:
            load_corpus(path)
        assert repr(str(path)) in str(raised.value)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        pytest.param("\n  Body. \n\n", "\n  Body. \n\n", id="no front matter"),
        pytest.param("\ufeffBody.", "Body.", id="byte order mark"),
        pytest.param("\ufeff" + front("title: T", "Body."), "Body.", id="mark and front matter"),
        pytest.param(front("title: T", "\n\n a\u00a0b ’\n"), "\n\n a\u00a0b ’\n", id="exact"),
        pytest.param(front("title: T", "a\n---\nb\n---\n"), "a\n---\nb\n---\n", id="later rules"),
        pytest.param("--- \ntitle: T\n---\t\nBody.", "Body.", id="fences with trailing space"),
        pytest.param("---\n---\nBody.", "Body.", id="nothing between the fences"),
        pytest.param("----\nBody.", "----\nBody.", id="a rule is no fence"),
        pytest.param("---\r\ntitle: T\r\n---\r\na\r\nb\r\n", "a\nb\n", id="CRLF"),
        pytest.param("a\rb", "a\nb", id="CR"),
    ],
)
def test_text_is_what_follows_the_front_matter_to_the_character(
    make_corpus: MakeCorpus, content: str, text: str
) -> None:
    # Every offset of every citation counts from here. Line ends alone are made one kind.
    [document] = load_corpus(make_corpus({"a.md": content.encode()}))
    assert document.text == text


def test_every_front_matter_field_arrives_as_text(make_corpus: MakeCorpus) -> None:
    # Unquoted dates and numbers come out of YAML as other types.
    meta = (
        "id: 7\ntitle: 1984\nkind: background\nauthor: A\npublisher: P\npublished: 2026-11-22\n"
        "url: https://example.org\nlicense: MIT\ntopic: the year\nunknown: ignored\n"
        "references:\n  - {title: R, publisher: Q, date: 2024-06-01, url: https://r.example}\n"
        "  - {title: only this}"
    )
    [d] = load_corpus(make_corpus({"a.md": front(meta)}))
    assert (d.id, d.title, d.kind, d.author, d.publisher) == ("7", "1984", "background", "A", "P")
    assert (d.published, d.url, d.license) == ("2026-11-22", "https://example.org", "MIT")
    assert (d.topic, d.path) == ("the year", "a.md")
    assert d.references == (
        Reference("R", "Q", "2024-06-01", "https://r.example"),
        Reference("only this"),
    )


def test_kind_comes_from_front_matter_then_folder_and_essays_lead(make_corpus: MakeCorpus) -> None:
    files = {
        "a/background/deep/one.md": "x",
        "background/two.txt": "x",
        "background/mine.md": front("kind: essay"),
        "about.md": front("kind: background"),
        "background.md": "a file of that name is no folder",
        "z.markdown": "x",
        "UPPER.MD": "x",
    }
    documents = load_corpus(make_corpus(files))
    assert [(d.kind, d.path) for d in documents] == [
        ("essay", "UPPER.MD"),
        ("essay", "background.md"),
        ("essay", str(Path("background", "mine.md"))),
        ("essay", "z.markdown"),
        ("background", str(Path("a", "background", "deep", "one.md"))),
        ("background", "about.md"),
        ("background", str(Path("background", "two.txt"))),
    ]


@pytest.mark.parametrize(
    ("name", "content", "title"),
    [
        ("a.md", front("title: Given", "# Heading\n"), "Given"),
        ("a.md", front("title: ''", "# Heading\n"), "Heading"),
        ("a.md", "\n# C# and closed ##\n", "C# and closed"),
        ("a.md", "Intro.\n\n```\n# a comment\n```\n", "a"),
        ("china-russia_trade.md", "## Part\n\n#No heading\n", "china russia trade"),
        ("plain-text.txt", "# not a heading in plain text\n", "plain text"),
    ],
)
def test_a_document_without_a_title_still_has_a_name_to_cite(
    make_corpus: MakeCorpus, name: str, content: str, title: str
) -> None:
    [document] = load_corpus(make_corpus({name: content}))
    assert document.title == title


def test_other_files_are_named_once_and_hidden_ones_not_at_all(
    make_corpus: MakeCorpus, caplog: pytest.LogCaptureFixture
) -> None:
    folder = make_corpus(
        {
            "a.md": "x",
            "paper.pdf": b"\xff",
            "sub/table.csv": "x",
            ".DS_Store": b"\xff",
            ".draft.md": "",
            ".git/config.md": "",
            "folder.md/inside.md": "a folder may be called anything",
        }
    )
    with caplog.at_level(logging.WARNING, logger="essayqa"):
        documents = load_corpus(folder)
    assert [d.id for d in documents] == ["a", "inside"]
    [record] = caplog.records
    message = record.getMessage()
    assert "paper.pdf" in message
    assert str(Path("sub", "table.csv")) in message
    assert ".DS_Store" not in message


def test_a_corpus_inside_a_hidden_folder_is_read(make_corpus: MakeCorpus) -> None:
    # Only what is hidden below the folder counts: ~/.local/share is a likely home.
    folder = make_corpus({".local/corpus/a.md": "x"}) / ".local" / "corpus"
    assert [d.id for d in load_corpus(folder)] == ["a"]
