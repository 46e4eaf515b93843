"""A drafted ledger: loads as it is, and proposes rather than decides."""

from __future__ import annotations

from pathlib import Path

import yaml
from conftest import MakeCorpus

from essayqa import Config, EssayQA

FILES = {
    "essay.md": "Harbour trade tops 200 tonnes a day. Will it last? Ann believes that the port "
    "will close. The port should stay open.\n",
    "background/port.md": "The harbour handled 245 tonnes a day in 2024. The port never closed. "
    "The harbour handled over 200 tonnes a day in 2023.\n",
}


def test_a_draft_is_a_ledger_without_verdicts(make_corpus: MakeCorpus, tmp_path: Path) -> None:
    folder = make_corpus(FILES)
    engine = EssayQA(Config(corpus=folder, data_dir=tmp_path / "data"))
    assert engine.claims() == ()
    text = engine.draft_claims()
    entries = yaml.safe_load(text)["claims"]
    assert [e["kind"] for e in entries] == ["fact", "reported", "judgement"]
    assert not any("verdict" in e for e in entries)
    trade = entries[0]
    assert "The harbour handled over 200 tonnes a day in 2023." in trade["for"]
    assert "The harbour handled 245 tonnes a day in 2024." in trade["against"]
    assert "The port never closed." in entries[1]["against"]
    # What was drafted is a ledger already, so that reviewing it can go step by step.
    (folder / "claims.yaml").write_text(text, encoding="utf-8")
    claims = EssayQA(Config(corpus=folder, data_dir=tmp_path / "data")).claims()
    assert [claim.quote.quote for claim in claims] == [e["quote"] for e in entries]


def test_an_essay_alone_is_drafted_without_evidence(
    make_corpus: MakeCorpus, tmp_path: Path
) -> None:
    folder = make_corpus({"essay.md": FILES["essay.md"]})
    draft = EssayQA(Config(corpus=folder, data_dir=tmp_path / "data")).draft_claims()
    assert all(not e["for"] and not e["against"] for e in yaml.safe_load(draft)["claims"])
