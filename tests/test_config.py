"""Settings: where they come from, and which values are refused."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import pytest

from essayqa import Config, ConfigError
from essayqa.config import BUNDLED_EMBEDDER, BUNDLED_RERANKER, bundled_corpus, default_data_dir

SETTINGS: list[tuple[str, str, str, object]] = [
    ("ESSAYQA_CORPUS", "corpus", "/some/corpus", Path("/some/corpus")),
    ("ESSAYQA_DATA", "data_dir", "/some/data", Path("/some/data")),
    ("ESSAYQA_CHROMA_URL", "chroma_url", "http://localhost:8000", "http://localhost:8000"),
    ("ESSAYQA_EMBEDDER", "embedder", "my/model", "my/model"),
    ("ESSAYQA_RERANKER", "reranker", "my/judge", "my/judge"),
    ("ESSAYQA_THREADS", "threads", "7", 7),
]


def test_the_defaults_need_nothing_set_up() -> None:
    config = Config.from_env({})
    assert config == Config()
    assert (config.corpus, config.data_dir) == (bundled_corpus(), default_data_dir())
    assert (config.embedder, config.reranker) == (BUNDLED_EMBEDDER, BUNDLED_RERANKER)
    assert config.chroma_url == ""
    assert (config.corpus / "essay.md").is_file()


@pytest.mark.parametrize(("variable", "name", "text", "value"), SETTINGS)
def test_each_variable_sets_its_own_field(
    variable: str, name: str, text: str, value: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = {**vars(Config()), name: value}
    assert vars(Config.from_env({variable: f" {text} "})) == expected
    monkeypatch.setenv(variable, text)
    assert vars(Config.from_env()) == expected


@pytest.mark.parametrize(("variable", "name", "text", "value"), SETTINGS)
def test_a_set_but_blank_variable_is_not_a_setting(
    variable: str, name: str, text: str, value: object
) -> None:
    # `ESSAYQA_CORPUS= essayqa ask …` must not read the current folder.
    assert Config.from_env({variable: " "}) == Config()


def test_an_override_wins_and_none_does_not() -> None:
    env = {"ESSAYQA_CORPUS": "/env", "ESSAYQA_THREADS": "3"}
    config = Config.from_env(env, corpus=Path("/flag"), threads=None)
    assert (config.corpus, config.threads) == (Path("/flag"), 3)


@pytest.mark.parametrize("threads", ["two", "1.5", "0", "-1", "1e3"])
def test_threads_that_cannot_work_are_refused_by_name(threads: str) -> None:
    with pytest.raises(ConfigError, match=r"(?i)threads is "):
        Config.from_env({"ESSAYQA_THREADS": threads})


@pytest.mark.parametrize(
    "url",
    [
        *("localhost:8000", "localhost", "ftp://host", "http://", "http://:8000", "//host"),
        *("http://host:0", "http://host:99999", "http://host:port", "http://[::1"),
    ],
)
def test_a_chroma_url_that_is_none_is_refused_before_anything_connects(url: str) -> None:
    with pytest.raises(ConfigError, match="Chroma URL") as raised:
        Config(chroma_url=url)
    assert repr(url) in str(raised.value)


@pytest.mark.parametrize(
    "url", ["http://localhost:8000", "https://chroma.example", "http://[::1]:8000", "HTTP://host/"]
)
def test_a_chroma_url_is_taken(url: str) -> None:
    assert Config(chroma_url=url).chroma_url == url


def test_a_later_chdir_does_not_move_the_corpus(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    config = Config(corpus=Path("mine"), data_dir=Path("~/index"))
    monkeypatch.chdir("/")
    assert config.corpus == tmp_path / "mine"
    assert config.data_dir == tmp_path / "home" / "index"


def test_making_a_config_touches_nothing(tmp_path: Path) -> None:
    Config(corpus=tmp_path / "corpus", data_dir=tmp_path / "data")
    assert list(tmp_path.iterdir()) == []


def test_a_config_is_a_value() -> None:
    # `ask` keeps one engine a config.
    assert hash(Config(threads=3)) == hash(Config(threads=3))
    assert Config(threads=3) != Config()
    field: Any = "threads"
    with pytest.raises(FrozenInstanceError):
        setattr(Config(), field, 4)
