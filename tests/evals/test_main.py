"""The command's exit codes: a regression must fail a build, and nothing else may."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from essayqa import EssayQA
from evals import baseline, report
from evals.__main__ import main


@pytest.fixture
def options(engine: EssayQA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Few cases, an index that is there, and files of the test's own."""
    monkeypatch.setenv("ESSAYQA_DATA", str(engine.config.data_dir))
    paths = ["--out", str(tmp_path / "report"), "--baseline", str(tmp_path / "baseline.json")]
    return ["--quick", "--limit", "4", *paths]


def test_a_first_run_has_nothing_to_regress_from(options: list[str], tmp_path: Path) -> None:
    assert main(options) == 0
    results = json.loads((tmp_path / "report" / "results.json").read_text(encoding="utf-8"))
    assert len(results["cases"]) == 4
    assert (tmp_path / "report" / "report.html").exists()


def test_a_regression_fails_and_a_new_baseline_mends_it(options: list[str], tmp_path: Path) -> None:
    assert main([*options, "--update-baseline"]) == 0
    assert main(options) == 0
    path = tmp_path / "baseline.json"
    better = {case: {"recall@5": 2.0} for case in baseline.read(path)}
    path.write_text(json.dumps(better), encoding="utf-8")
    assert main(options) == 1


def test_a_setting_that_cannot_work_is_not_a_regression(
    options: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ESSAYQA_CORPUS", "/absent")
    assert main(options) == 2
    assert "/absent" in capsys.readouterr().err


def test_cases_that_do_not_fit_the_corpus_are_not_scored(
    options: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Scored anyway, wrong gold would look like wrong answers.
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    (corpus / "essay.md").write_text("Something else altogether.", encoding="utf-8")
    monkeypatch.setenv("ESSAYQA_CORPUS", str(corpus))
    monkeypatch.setenv("ESSAYQA_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(report, "write", pytest.fail)
    assert main(options) == 2
