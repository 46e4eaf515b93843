"""The built wheel, installed on its own and used outside the repository."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]


def run(*command: str | Path, folder: Path, **environ: str) -> str:
    done = subprocess.run(
        [sys.executable, *map(str, command)],
        env={**os.environ, **environ},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    build = ("-m", "build", "--wheel", "--no-isolation", "--outdir", out, REPOSITORY)
    run(*build, folder=out)
    (built,) = out.glob("*.whl")
    return built


def test_the_wheel_holds_the_package_and_the_whole_corpus(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    corpus = REPOSITORY / "corpus"
    for path in (path for path in corpus.rglob("*") if path.is_file()):
        assert f"essayqa/_corpus/{path.relative_to(corpus).as_posix()}" in names
    package = REPOSITORY / "src" / "essayqa"
    for path in package.rglob("*.*"):
        if "__pycache__" not in path.parts:
            assert f"essayqa/{path.relative_to(package).as_posix()}" in names
    assert not [name for name in names if name.startswith(("tests/", "evals/"))]


def test_an_installed_wheel_answers_from_its_own_corpus(
    wheel: Path, tmp_path: Path, data_dir: Path
) -> None:
    target, empty = tmp_path / "target", tmp_path / "empty"
    empty.mkdir()
    pip = ("-m", "pip", "install", "--no-deps", "--no-index", "--quiet", "--target", target)
    run(*pip, wheel, folder=empty)
    environ = {"PYTHONPATH": str(target), "ESSAYQA_DATA": str(data_dir)}
    where = "import essayqa, essayqa.config as c; print(essayqa.__file__, c.bundled_corpus())"
    file, corpus = run("-c", where, folder=empty, **environ).split()
    assert Path(file).is_relative_to(target)
    assert Path(corpus).is_relative_to(target)
    ask = (target / "bin" / "essayqa", "ask", "--json", "Why won't it work?")
    answer = json.loads(run(*ask, folder=empty, **environ))
    assert answer["status"] == "answered"
    assert answer["citations"][0]["document_id"] == "essay"
    assert list(empty.iterdir()) == []
