"""What can go wrong, as a tree.

EssayQAError
├── ConfigError    a setting is wrong or names something that does not exist
├── InputError     a question or a batch line cannot be used
├── CorpusError    a document cannot be read, or the folder holds none
├── ModelError     a model's files are missing, damaged or cannot be loaded
└── IndexStoreError  the index cannot be opened, written or trusted

Catch `EssayQAError` to catch them all. `exit_code` is what the command ends with.
"""


class EssayQAError(Exception):
    """Any error essayqa raises on purpose; its message says what to do next."""

    exit_code = 1


class ConfigError(EssayQAError):
    """A setting is wrong or names something that does not exist."""

    exit_code = 2


class InputError(EssayQAError):
    """A question or a batch line cannot be used."""

    exit_code = 2


class CorpusError(EssayQAError):
    """A document cannot be read, or the corpus holds none."""

    exit_code = 2


class ModelError(EssayQAError):
    """A model's files are missing, damaged or cannot be loaded."""


class IndexStoreError(EssayQAError):
    """The index cannot be opened, written or trusted."""
