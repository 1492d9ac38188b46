"""Progress on standard error, only when a run takes longer than two seconds."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any

QUIET_SECONDS = 2.0
LINE_SECONDS = 5.0


class Reporter:
    """A progress callback: a live bar on a terminal, a line now and then elsewhere."""

    def __init__(self, *, enabled: bool = True) -> None:
        self._enabled = enabled
        self._start = self._last = time.monotonic()
        self._fits: dict[str, float] = {}
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> Reporter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Report that `done` of `total` steps of `stage` are finished."""
        now = time.monotonic()
        if not self._enabled or now - self._start < QUIET_SECONDS:
            return
        if sys.stderr.isatty():
            self._live(stage, done, total)
        elif now - self._last >= LINE_SECONDS:
            self._last = now
            print(
                f"negtransfer: {stage}, {done} of {total} ({now - self._start:.0f} s)",
                file=sys.stderr,
            )

    def fitted(self, learner: str, n_rows: int, seconds: float) -> None:
        """Take note of how long a learner needed for a fit."""
        self._fits[learner] = seconds / max(n_rows, 1)

    def took(self, learner: str | None, n_rows: int | None) -> None:
        """Say how long it all took, and about how long one fit of `learner` on `n_rows` would.

        A clock, so that it stands on standard error and nowhere in the result.
        """
        seconds = time.monotonic() - self._start
        if not self._enabled or seconds < QUIET_SECONDS:
            return
        said = f"negtransfer: took {seconds:.0f} s"
        if n_rows is not None and learner in self._fits:
            once = self._fits[learner] * n_rows
            said += f"; one training of {learner} on {n_rows:,} rows about {once:.2g} s"
        print(said, file=sys.stderr)

    def _live(self, stage: str, done: int, total: int) -> None:
        if self._bar is None:
            from rich.console import Console
            from rich.progress import Progress

            self._bar = Progress(console=Console(stderr=True), transient=True)
            self._task = self._bar.add_task(stage, total=total)
            self._bar.start()
        self._bar.update(self._task, description=stage, completed=done, total=total)
