"""The corpus itself: the essay's prose alone, and briefs that can be checked."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from essayqa.chunks import chunk_document
from essayqa.claims import claims_in, load_claims
from essayqa.config import bundled_corpus
from essayqa.corpus import load_corpus
from essayqa.evidence import read_sentences
from essayqa.expected import open_expected, vectors_file
from essayqa.models import OnnxAligner, OnnxEmbedder
from essayqa.sentences import asks
from essayqa.types import Claim, Document

FILE = (bundled_corpus() / "essay.md").read_text(encoding="utf-8")
ESSAYS = [d for d in load_corpus(bundled_corpus()) if d.kind == "essay"]
BRIEFS = [d for d in load_corpus(bundled_corpus()) if d.kind == "background"]

briefs = pytest.mark.parametrize("brief", BRIEFS, ids=[d.id for d in BRIEFS])


def plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))


def test_there_is_one_essay_and_a_shelf_beside_it() -> None:
    assert [d.path for d in ESSAYS] == ["essay.md"]
    assert len(BRIEFS) == 24


def test_the_essay_has_its_headings_in_order_and_is_whole() -> None:
    text = ESSAYS[0].text
    headings = re.findall(r"^#+ .*$", text, re.MULTILINE)
    assert [" ".join(heading.split()) for heading in headings] == [
        "## Complex relationship",
        "## Enter Trump",
        "## Different times",
        "## Stronger together",
        "## Deepened cooperation",
        "## A different world",
    ]
    assert text.startswith("Trump thinks that lifting sanctions")
    assert text.rstrip().endswith("So must the strategy.")


@pytest.mark.parametrize(
    "stray",
    [
        *("Paulsen", "Getty", "AFP", "SHARIFULIN", "font change", "President Nixon meets with"),
        *("China's President Xi Jinping, Russia's President", "looks on during a meeting"),
    ],
)
def test_captions_credits_and_layout_words_are_not_evidence(stray: str) -> None:
    assert stray.lower() not in FILE.lower()


def test_no_pull_quote_repeats_the_prose() -> None:
    # Pull quotes drop a full stop or change a word, so runs of words are compared too.
    words = re.findall(r"\w+", ESSAYS[0].text.lower())
    runs = Counter(tuple(words[i : i + 8]) for i in range(len(words) - 7))
    assert [" ".join(run) for run, count in runs.items() if count > 1] == []


@pytest.mark.parametrize("character", ["’", "\u00a0", "—", "–", "é", "ï"], ids=ascii)
def test_the_essays_own_characters_are_kept(character: str) -> None:
    # A quotation is word for word only if nobody tidied the typography.
    assert character in ESSAYS[0].text


def test_the_essay_claims_no_outlet_and_no_author() -> None:
    # The name beside the pictures is an illustrator's; a guess would be a false fact.
    essay = ESSAYS[0]
    assert re.match("not named", essay.author, re.IGNORECASE)
    assert re.match("not named", essay.publisher, re.IGNORECASE)
    note = yaml.safe_load(FILE.split("---\n")[1])["note"]
    assert "neither the outlet nor the author" in note
    assert essay.title == "Why Trump's bid to peel Russia from China won't work"
    assert essay.published == "2025"
    assert essay.topic
    assert essay.topic in essay.title


@briefs
def test_a_brief_is_short_prose_that_asks_nothing(brief: Document) -> None:
    # A reranker loves a question that repeats the reader's.
    assert 500 <= len(brief.text.split()) <= 900
    assert "?" not in brief.text
    assert not re.search(r"^\s*(?:[-*+•]|\d+[.)])\s", brief.text, re.MULTILINE)
    assert re.search(r"^## ", brief.text, re.MULTILINE)


@briefs
def test_a_brief_says_how_old_it_is(brief: Document) -> None:
    assert re.search(r"\bas of\b[^.]*\b20\d\d\b", brief.text)
    assert re.fullmatch(r"20\d\d-\d\d-\d\d", brief.published)


@briefs
def test_a_brief_names_its_author_and_licence(brief: Document) -> None:
    assert brief.title
    assert (brief.author, brief.publisher) == ("essayqa contributors", "essayqa")
    assert brief.license == "MIT"
    assert brief.path.startswith("background")


@briefs
def test_a_brief_can_be_checked_against_its_references(brief: Document) -> None:
    assert brief.references
    for reference in brief.references:
        assert reference.title, reference
        assert reference.publisher, reference
        assert re.search(r"\b(?:19|20)\d\d\b|^undated$", reference.date), reference
        assert re.fullmatch(r"https?://[^\s/]+\.[^\s]+", reference.url), reference
    urls = Counter(reference.url for reference in brief.references)
    assert [url for url, count in urls.items() if count > 1] == []


def test_no_two_briefs_share_a_sentence() -> None:
    # A copied sentence would be cited twice as if two sources agreed.
    sentences = Counter(
        sentence
        for brief in BRIEFS
        for sentence in set(re.split(r"(?<=\.)\s+", brief.text))
        if len(sentence.split()) > 8
    )
    assert [s for s, n in sentences.items() if n > 1 and not s.startswith("This brief")] == []


@pytest.mark.parametrize("document", [*ESSAYS, *BRIEFS], ids=lambda d: d.id)
def test_every_sentence_of_a_document_is_expected_to_answer_something(document: Document) -> None:
    spans = [span for e in document.expected for span in e.spans]
    sentences = [s for s in read_sentences(chunk_document(document)) if not asks(s.text)]
    missing = [
        s.text for s in sentences if not any(p.start <= s.start and s.end <= p.end for p in spans)
    ]
    assert missing == []
    assert any(not e.spans for e in document.expected)


@pytest.mark.parametrize("document", [*ESSAYS, *BRIEFS], ids=lambda d: d.id)
def test_no_document_is_silent_on_what_it_answers(document: Document) -> None:
    asked = [(plain(e.text), bool(e.spans)) for e in document.expected]
    assert {t for t, answers in asked if answers} & {
        t for t, answers in asked if not answers
    } == set()


def test_the_vectors_of_expected_questions_come_with_the_corpus(tmp_path: Path) -> None:
    # Else every first start would spend a minute making them.
    for document in (*ESSAYS, *BRIEFS):
        files = [vectors_file(bundled_corpus(), document), tmp_path / f"{document.id}.npz"]
        open_expected(document.expected, files, OnnxEmbedder(), OnnxAligner())
    assert list(tmp_path.iterdir()) == []


DOCUMENTS = [*ESSAYS, *BRIEFS]
CLAIMS = load_claims(bundled_corpus(), DOCUMENTS, [c for d in DOCUMENTS for c in chunk_document(d)])
ON_THE_MAP = [claim for claim in CLAIMS if claim.role]


def test_every_sentence_of_the_essay_makes_a_claim_or_is_listed_as_making_none() -> None:
    ledger = yaml.safe_load((bundled_corpus() / "claims.yaml").read_text(encoding="utf-8"))
    silent = ledger["no_claim"]
    assert len(CLAIMS) >= 60
    for sentence in read_sentences(chunk_document(ESSAYS[0])):
        claimed = bool(claims_in(CLAIMS, "essay", sentence.start, sentence.end))
        assert claimed != (sentence.text in silent), sentence.text
    assert all(text in ESSAYS[0].text for text in silent)


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_a_claim_is_judged_as_its_kind_can_be(claim: Claim) -> None:
    # What can be checked has a verdict; nobody can corroborate a judgement or the future.
    assert (claim.verdict is None) == (claim.kind in ("judgement", "forecast"))
    assert bool(claim.settled_by) == (claim.kind == "forecast")
    assert (claim.holder == "the author") == (claim.kind != "reported")
    assert len(claim.why.split()) <= 40
    if claim.verdict in ("not_found", None):
        assert bool(claim.why) == bool(claim.verdict or claim.support or claim.against)
    if claim.verdict == "not_found":
        assert not claim.support
        assert not claim.against
    both = [q.quote for q in (*claim.support, *claim.against)]
    assert len(both) == len(set(both)), "no quote speaks for and against"


def test_evidence_in_the_ledger_is_whole_sentences() -> None:
    spans = {(d.id, s.start, s.end) for d in BRIEFS for s in read_sentences(chunk_document(d))}
    quotes = [q for claim in CLAIMS for q in (*claim.support, *claim.against)]
    assert [q.quote for q in quotes if (q.document_id, q.start, q.end) not in spans] == []


def test_claims_do_not_overlap() -> None:
    for first, second in pairwise(CLAIMS):
        assert first.quote.end <= second.quote.start, (first.id, second.id)


def test_the_map_is_a_tree_of_the_authors_case() -> None:
    assert {claim.role for claim in ON_THE_MAP} == {"thesis", "premise", "evidence", "concession"}
    thesis = next(claim for claim in ON_THE_MAP if claim.role == "thesis")
    assert thesis.against, "the strongest background against the thesis is in it"
    # What the essay argues against is no part of its case.
    assert not [c.id for c in ON_THE_MAP if c.holder in ("Trump", "Trump's team", "some observers")]
