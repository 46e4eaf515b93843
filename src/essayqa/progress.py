"""A progress bar on standard error, for work over a second."""

from __future__ import annotations

from types import TracebackType
from typing import Any


class Bar:
    """`bar(done, total)` draws a bar on standard error, first shown when first called.

    A context manager: leaving it ends the bar, also after an error. A second piece of
    work fills the same bar again.
    """

    def __init__(self, label: str) -> None:
        self._label = label
        self._progress: Any = None
        self._task: Any = None

    def __call__(self, done: int, total: int) -> None:
        if self._progress is None:
            from rich.console import Console
            from rich.progress import Progress

            self._progress = Progress(console=Console(stderr=True))
            self._progress.start()
            self._task = self._progress.add_task(self._label, total=total)
        self._progress.update(self._task, completed=done, total=total)

    def __enter__(self) -> Bar:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._progress is not None:
            self._progress.stop()
