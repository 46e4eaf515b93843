"""A folder of Markdown and plain text to `Document`s, with or without front matter."""

from __future__ import annotations

import json
import logging
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from .claims import CLAIMS, read_yaml
from .errors import CorpusError
from .expected import VECTORS
from .types import Document, Expected, Kind, Reference, Span

log = logging.getLogger("essayqa")

SUFFIXES = {".md", ".markdown", ".txt"}
# `essay.questions.jsonl` beside `essay.md`: what readers may ask of it.
QUESTIONS = ".questions.jsonl"
_FENCE = re.compile(r"---[ \t]*(?:\n|\Z)")
_CLOSE = re.compile(r"^---[ \t]*(?:\n|\Z)", re.MULTILINE)
_TITLE = re.compile(r"\s*^# +(.+?)(?: +#+)? *$", re.MULTILINE)


def load_corpus(folder: Path) -> list[Document]:
    """Every document below `folder`, essays first, then by path.

    A document's id is its file name without the suffix, or `id` in its front matter.
    Its kind is `kind` in the front matter; else "background" inside a folder of that
    name, "essay" elsewhere. Hidden files are passed over; files of other types are
    named in a warning and skipped. `NAME.questions.jsonl` beside a document holds its
    `expected` questions, lines of {"quotes": [sentence, ...], "asks": [question, ...]}.
    Raises `CorpusError` naming the file that is not UTF-8, empty, unreadable, has broken
    front matter, shares an id or expects a quote that is not in its document.
    """
    if not folder.is_dir():
        what = "is not a folder" if folder.exists() else "does not exist"
        raise CorpusError(
            f"the corpus {str(folder)!r} {what}; point --corpus at a folder of .md files"
        )
    documents: list[Document] = []
    skipped: list[str] = []
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if any(part.startswith(".") for part in relative.parts) or path.is_dir():
            continue
        if path.suffix.lower() in SUFFIXES:
            document = _load_document(path, relative)
            questions = path.with_name(path.stem + QUESTIONS)
            if questions.exists():
                document = replace(document, expected=_load_expected(questions, document.text))
            documents.append(document)
        elif not path.name.endswith((QUESTIONS, VECTORS)) and relative != Path(CLAIMS):
            skipped.append(str(relative))
    if skipped:
        log.warning("skipped, not .md, .markdown or .txt: %s", ", ".join(skipped))
    if not documents:
        raise CorpusError(f"the corpus {str(folder)!r} holds no .md, .markdown or .txt file")
    by_id: dict[str, Document] = {}
    for document in documents:
        if other := by_id.get(document.id):
            raise CorpusError(
                f"{other.path!r} and {document.path!r} share the id {document.id!r}; "
                "rename one or give it an `id:` in its front matter"
            )
        by_id[document.id] = document
    return sorted(documents, key=lambda d: (d.kind != "essay", d.path))


def _read(path: Path, name: str) -> str:
    try:
        raw = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CorpusError(f"{name!r} is not UTF-8 (byte {error.start}); save it as UTF-8") from None
    except OSError as error:
        raise CorpusError(f"{name!r} cannot be read: {error.strerror or error}") from None
    return raw.replace("\r\n", "\n").replace("\r", "\n")


def _load_expected(path: Path, text: str) -> tuple[Expected, ...]:
    expected: list[Expected] = []
    for number, line in enumerate(_read(path, path.name).split("\n"), start=1):
        if not line.strip():
            continue
        where = f"{path.name!r}, line {number}"
        try:
            entry = json.loads(line)
            quotes, asks = entry["quotes"], entry["asks"]
            if not all(isinstance(t, str) and t.strip() for t in (*quotes, *asks)):
                raise ValueError("an empty or missing text")
        except (ValueError, KeyError, TypeError) as error:
            raise CorpusError(
                f'{where}: not {{"quotes": [...], "asks": [...]}} with texts in both ({error!r})'
            ) from None
        spans = []
        for quote in quotes:
            start = text.find(quote)
            if start < 0:
                raise CorpusError(
                    f"{where}: not word for word in the document: {quote!r}; copy it from there"
                )
            spans.append(Span(start, start + len(quote)))
        expected += [Expected(" ".join(ask.split()), tuple(spans)) for ask in asks]
    return tuple(expected)


def _load_document(path: Path, relative: Path) -> Document:
    name = str(relative)
    raw = _read(path, name)
    meta, text = _split_front_matter(raw, name)
    if not text.strip():
        raise CorpusError(f"{name!r} is empty; write something in it or remove it")
    title = _string(meta, "title", name)
    if not title and path.suffix.lower() != ".txt" and (heading := _TITLE.match(text)):
        title = heading[1].strip()
    return Document(
        id=_string(meta, "id", name) or path.stem,
        title=title or re.sub(r"[-_]+", " ", path.stem),
        kind=_kind(meta, relative, name),
        text=text,
        author=_string(meta, "author", name),
        publisher=_string(meta, "publisher", name),
        published=_string(meta, "published", name),
        url=_string(meta, "url", name),
        license=_string(meta, "license", name),
        path=name,
        topic=_string(meta, "topic", name),
        references=_references(meta, name),
    )


def _split_front_matter(raw: str, name: str) -> tuple[dict[str, Any], str]:
    """The YAML between `---` lines at the top, and everything after, untouched."""
    opened = _FENCE.match(raw)
    if not opened:
        return {}, raw
    closed = _CLOSE.search(raw, opened.end())
    if not closed:
        raise CorpusError(f"{name!r}: the front matter opened by `---` on line 1 is never closed")
    try:
        meta = read_yaml(raw[opened.end() : closed.start()])
    except Exception as error:  # odd tags make PyYAML raise nearly anything
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 2}" if mark else ""
        problem = getattr(error, "problem", None) or error
        raise CorpusError(
            f"{name!r}: the front matter is not valid YAML{where}: {problem}"
        ) from None
    if meta is None:
        meta = {}
    if not isinstance(meta, dict):
        raise CorpusError(f"{name!r}: the front matter must be `key: value` lines")
    return meta, raw[closed.end() :]


def _string(meta: dict[str, Any], key: str, name: str) -> str:
    value = meta.get(key)
    if value is None:
        return ""
    if isinstance(value, (dict, list)):
        raise CorpusError(
            f"{name!r}: `{key}` in the front matter must be text, not a list or mapping"
        )
    return str(value).strip()


def _kind(meta: dict[str, Any], relative: Path, name: str) -> Kind:
    match _string(meta, "kind", name):
        case "":
            return "background" if "background" in relative.parts[:-1] else "essay"
        case "essay":
            return "essay"
        case "background":
            return "background"
        case other:
            raise CorpusError(f"{name!r}: `kind` is {other!r}; it must be essay or background")


def _references(meta: dict[str, Any], name: str) -> tuple[Reference, ...]:
    entries = meta.get("references") or []
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise CorpusError(f"{name!r}: `references` must be a list of title, publisher, date, url")
    return tuple(
        Reference(*(_string(entry, key, name) for key in ("title", "publisher", "date", "url")))
        for entry in entries
    )
