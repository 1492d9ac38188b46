"""What every command shares: exit codes, sentences on faults, files that can be written."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import typer

from ._words import short
from .errors import InputError
from .gate import FAIL_ON, INTERNAL, INTERRUPTED, USAGE


def leave_at_once(code: int) -> NoReturn:
    """End the process without Python's own clean-up.

    A run cut short leaves worker threads inside a fit.  When one of them comes back from
    compiled code during the clean-up, CPython ends it by unwinding its stack, and C++ frames
    turn that into an abort: the exit code would be 134 now and then.
    """
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


def say(text: str) -> None:
    """Print a sentence on standard error."""
    print(text, file=sys.stderr)


def guarded(command: Callable[..., int]) -> Callable[..., None]:
    """Turn what a command returns or raises into an exit code and one sentence."""

    @functools.wraps(command)
    def run(*args: Any, **kwargs: Any) -> None:
        try:
            code = command(*args, **kwargs)
            sys.stdout.flush()
        except InputError as fault:
            say(f"negtransfer: {plain(str(fault))}")
            code = USAGE
        except KeyboardInterrupt:
            say("Interrupted.")
            code = INTERRUPTED
        except BrokenPipeError:
            code = _drop_output()
        except OSError as fault:
            say(f"negtransfer: Something could not be written ({why(fault)}); check the disk.")
            _drop_output()
            code = USAGE
        except (typer.Exit, SystemExit):
            raise
        except Exception as fault:
            say(
                f"negtransfer: internal error ({type(fault).__name__}: {plain(str(fault))}); "
                "please report it. Set NEGTRANSFER_TRACEBACK=1 to see where."
            )
            code = INTERNAL
            if os.environ.get("NEGTRANSFER_TRACEBACK"):
                raise
        raise typer.Exit(code)

    return run


def why(fault: OSError) -> str:
    """Return what the system says went wrong, in lower case."""
    return (fault.strerror or type(fault).__name__).lower()


def _drop_output() -> int:
    """The reader went away (``| head``): say nothing more, and do not fail on exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def plain(text: str) -> str:
    """Return text on one line, without control characters that could drive a terminal."""
    spaced = " ".join(text.split())
    return "".join(c if c.isprintable() else "?" for c in spaced)


def jobs_of(jobs: int) -> int:
    """Return how many workers to use; 0 is one a core."""
    if jobs < 0:
        raise InputError(f"--jobs is {jobs}; give 0 for one a core, or a number of workers.")
    if jobs:
        return jobs
    from joblib import cpu_count

    return int(cpu_count())


def check_output(path: Path | None, inputs: tuple[str, ...]) -> None:
    """Refuse, before any work, a file that cannot be written or is an input."""
    if path is None:
        return
    shown = short(str(path))
    try:
        if path.is_dir():
            raise InputError(f"The output {shown} is a folder; give a file name.")
        if not path.absolute().parent.is_dir():
            raise InputError(f"The folder of the output {shown} does not exist; create it first.")
        exists = path.exists()
        writable = os.access(path if exists else path.absolute().parent, os.W_OK)
    except OSError as fault:
        raise InputError(
            f"The output {shown} cannot be written ({why(fault)}); give another name."
        ) from fault
    if not writable:
        raise InputError(f"The output {shown} may not be written here; give another place.")
    if exists and any(os.path.exists(name) and path.samefile(name) for name in inputs):
        raise InputError(f"The output {shown} is one of the inputs; give another name.")


def check_options(
    fail_on: str, output: str, html: Path | None, json: Path | None, inputs: tuple[str, ...]
) -> None:
    """Refuse, before any work, options that no run could serve."""
    if fail_on not in FAIL_ON:
        raise InputError(f"--fail-on is {short(fail_on)}; use {', '.join(FAIL_ON)}.")
    if output not in ("text", "json", "quiet"):
        raise InputError(f"--format is {short(output)}; use text, json or quiet.")
    for path in (html, json):
        check_output(path, inputs)
    if html is not None and json is not None and html.resolve() == json.resolve():
        raise InputError(f"--html and --json both name {short(str(html))}; give two files.")


def write_outputs(
    result: Any, html: Path | None, json: Path | None, render_page: Callable[..., str]
) -> None:
    """Write the document as JSON and as a page with today's date."""
    from datetime import UTC, datetime

    try:
        if json is not None:
            result.to_json(json)
        if html is not None:
            date = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
            html.write_text(render_page(result, date=date), encoding="utf-8", newline="\n")
    except OSError as fault:
        raise InputError(
            f"The result could not be written to {short(fault.filename or 'the file')} "
            f"({why(fault)}); give another place."
        ) from fault


def show(
    result: Any, output: str, html: Path | None, json: Path | None,
    render: Callable[..., str],
) -> None:  # fmt: skip
    """Print the document as JSON, as text, or only the last line of the text."""
    if output == "json":
        sys.stdout.write(result.to_json())
        return
    color = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    text = render(
        result, color=color, html=None if html is None else str(html),
        json=None if json is None else str(json),
    ).rstrip("\n")  # fmt: skip
    print(text.splitlines()[-1] if output == "quiet" else text)
