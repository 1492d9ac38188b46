"""The command line: a thin face over :func:`negtransfer.preflight`.

Nothing heavy is imported before a command runs, so that ``--help`` answers at once.
"""

from __future__ import annotations

import contextlib
import functools
import io
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from ._words import short
from .errors import InputError
from .gate import FAIL_ON, INTERNAL, INTERRUPTED, USAGE, exit_code

if TYPE_CHECKING:
    from .document import Diagnosis

app = typer.Typer(
    name="negtransfer",
    help="Find out before you train whether transfer from a source to a target helps or hurts.",
    epilog="Exit codes: 0 go on, 1 the verdict trips --fail-on, 2 input or usage error, "
    "3 not enough evidence, 4 internal error, 130 interrupted.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Run the command line."""
    _open_streams()
    try:
        app(prog_name="negtransfer")
    except KeyboardInterrupt:
        _say("Interrupted.")
        _leave_at_once(INTERRUPTED)
    except SystemExit as stop:
        if stop.code in (INTERNAL, INTERRUPTED):
            _leave_at_once(stop.code)
        raise


def _open_streams() -> None:
    """Let every answer be written: escapes where a stream knows no Unicode, nothing if closed."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _leave_at_once(code: int) -> NoReturn:
    """End the process without Python's own clean-up.

    A run cut short leaves worker threads inside a fit.  When one of them comes back from
    compiled code during the clean-up, CPython ends it by unwinding its stack, and C++ frames
    turn that into an abort: the exit code would be 134 now and then.
    """
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


def _say(text: str) -> None:
    print(text, file=sys.stderr)


def _guarded(command: Callable[..., int]) -> Callable[..., None]:
    """Turn what a command returns or raises into an exit code and one sentence."""

    @functools.wraps(command)
    def run(*args: Any, **kwargs: Any) -> None:
        try:
            code = command(*args, **kwargs)
            sys.stdout.flush()
        except InputError as fault:
            _say(f"negtransfer: {_plain(str(fault))}")
            code = USAGE
        except KeyboardInterrupt:
            _say("Interrupted.")
            code = INTERRUPTED
        except BrokenPipeError:
            code = _drop_output()
        except OSError as fault:
            _say(f"negtransfer: Something could not be written ({_why(fault)}); check the disk.")
            _drop_output()
            code = USAGE
        except (typer.Exit, SystemExit):
            raise
        except Exception as fault:
            _say(
                f"negtransfer: internal error ({type(fault).__name__}: {_plain(str(fault))}); "
                "please report it. Set NEGTRANSFER_TRACEBACK=1 to see where."
            )
            code = INTERNAL
            if os.environ.get("NEGTRANSFER_TRACEBACK"):
                raise
        raise typer.Exit(code)

    return run


def _why(fault: OSError) -> str:
    return (fault.strerror or type(fault).__name__).lower()


def _drop_output() -> int:
    """The reader went away (``| head``): say nothing more, and do not fail on exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _plain(text: str) -> str:
    """Return text on one line, without control characters that could drive a terminal."""
    spaced = " ".join(text.split())
    return "".join(c if c.isprintable() else "?" for c in spaced)


def _version(show: bool) -> None:
    if show:
        from .. import __version__

        print(f"negtransfer {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Find out before you train whether transfer from a source to a target helps or hurts."""


@app.command()
@_guarded
def check(
    source: Annotated[
        str, typer.Argument(metavar="SOURCE", help="CSV, Parquet, .npz or .npy file.")
    ],
    target: Annotated[
        str, typer.Argument(metavar="TARGET", help="The domain you want a model for.")
    ],
    label: Annotated[
        str | None, typer.Option("--label", "-l", help="Label column, on both sides.")
    ] = None,
    source_label: Annotated[
        str | None, typer.Option(help="Label column of the source, if it differs.")
    ] = None,
    target_label: Annotated[
        str | None, typer.Option(help="Label column of the target, if it differs.")
    ] = None,
    task: Annotated[
        str | None, typer.Option(help="binary, multiclass or regression; inferred by default.")
    ] = None,
    metric: Annotated[
        str | None,
        typer.Option(help="Your metric: accuracy, balanced_accuracy, roc_auc, brier, log_loss, "
                     "rmse, mae, r2."),
    ] = None,
    learner: Annotated[
        str | None, typer.Option(help="linear or forest; both by default.")
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Write the report as one HTML page.")] = None,
    json: Annotated[Path | None, typer.Option(help="Write the result as JSON.")] = None,
    output: Annotated[
        str, typer.Option("--format", help="On standard output: text, json or quiet (last line).")
    ] = "text",
    fail_on: Annotated[
        str, typer.Option(help="Mildest verdict that gives exit code 1: against, caution, "
                          "insufficient or never.")
    ] = "against",
    allow_insufficient: Annotated[
        bool, typer.Option("--allow-insufficient", help="Exit 0 instead of 3.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Seed of every random draw.")] = 0,
    budget: Annotated[str, typer.Option(help="Time allowed, e.g. 60s or 5m.")] = "60s",
    jobs: Annotated[int, typer.Option(help="Parallel workers; 0 for one a core.")] = 0,
    keep_shared_rows: Annotated[
        bool,
        typer.Option("--keep-shared-rows", help="Rows in both domains are different units."),
    ] = False,
    no_progress: Annotated[
        bool, typer.Option("--no-progress", help="No progress on standard error.")
    ] = False,
) -> int:  # fmt: skip
    """Compare SOURCE with TARGET and say whether transfer helps, hurts, or cannot be told."""
    if fail_on not in FAIL_ON:
        raise InputError(f"--fail-on is {short(fail_on)}; use {', '.join(FAIL_ON)}.")
    if output not in ("text", "json", "quiet"):
        raise InputError(f"--format is {short(output)}; use text, json or quiet.")
    seconds = parse_budget(budget)
    for path in (html, json):
        _check_output(path, (source, target))
    if html is not None and json is not None and html.resolve() == json.resolve():
        raise InputError(f"--html and --json both name {short(str(html))}; give two files.")
    from ._progress import Reporter
    from .preflight import preflight

    with Reporter(enabled=not no_progress) as progress:
        result = preflight(
            source=source, target=target, label=label, source_label=source_label,
            target_label=target_label, task=task, metric=metric, learner=learner,
            random_state=seed, budget=seconds, keep_shared_rows=keep_shared_rows,
            n_jobs=_jobs(jobs), progress=progress, origin="flag",
        )  # fmt: skip
    _write_outputs(result, html, json)
    _show(result, output, html, json)
    return exit_code(result, fail_on=fail_on, allow_insufficient=allow_insufficient)


def parse_budget(text: str) -> float:
    """Return seconds from text such as ``60``, ``60s``, ``2m``, ``1h``."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(s|m|h)?\s*", text)
    if not found:
        raise InputError(
            f"--budget is {short(text)}; give seconds, or a number with s, m or h: 60s."
        )
    return float(found[1]) * {None: 1, "s": 1, "m": 60, "h": 3600}[found[2]]


def _jobs(jobs: int) -> int:
    if jobs < 0:
        raise InputError(f"--jobs is {jobs}; give 0 for one a core, or a number of workers.")
    if jobs:
        return jobs
    from joblib import cpu_count

    return int(cpu_count())


def _check_output(path: Path | None, inputs: tuple[str, ...]) -> None:
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
            f"The output {shown} cannot be written ({_why(fault)}); give another name."
        ) from fault
    if not writable:
        raise InputError(f"The output {shown} may not be written here; give another place.")
    if exists and any(os.path.exists(name) and path.samefile(name) for name in inputs):
        raise InputError(f"The output {shown} is one of the inputs; give another name.")


def _write_outputs(result: Diagnosis, html: Path | None, json: Path | None) -> None:
    try:
        if json is not None:
            result.to_json(json)
        if html is not None:
            _write_page(result, html)
    except OSError as fault:
        raise InputError(
            f"The result could not be written to {short(fault.filename or 'the file')} "
            f"({_why(fault)}); give another place."
        ) from fault


def _write_page(result: Diagnosis, path: Path) -> None:
    from datetime import UTC, datetime

    from ..reports import render_html

    page = render_html(result, date=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"))
    path.write_text(page, encoding="utf-8", newline="\n")


def _show(result: Diagnosis, output: str, html: Path | None, json: Path | None) -> None:
    if output == "json":
        sys.stdout.write(result.to_json())
        return
    from ..reports import render_text

    color = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    text = render_text(
        result, color=color, html=None if html is None else str(html),
        json=None if json is None else str(json),
    )  # fmt: skip
    print(text.rstrip("\n").splitlines()[-1] if output == "quiet" else text.rstrip("\n"))


@app.command()
@_guarded
def report(
    result: Annotated[Path, typer.Argument(metavar="RESULT", help="A result written with --json.")],
    html: Annotated[Path, typer.Option(help="Where to write the page.")],
) -> int:
    """Write the HTML report of a finished RESULT again, without computing anything."""
    _check_output(html, (str(result),))
    _write_outputs(_read_result(result), html, None)
    print(f"html={_plain(str(html))}")
    return 0


def _read_result(path: Path) -> Diagnosis:
    from pydantic import ValidationError

    from .document import SCHEMA_VERSION, Diagnosis

    shown = short(str(path))
    wanted = "give a file written by `negtransfer check --json`"
    try:
        if path.exists() and not path.is_file():
            raise InputError(f"The result {shown} is not a regular file; {wanted}.")
        text = path.read_text(encoding="utf-8")
    except OSError as fault:
        raise InputError(f"The result {shown} cannot be read ({_why(fault)}); {wanted}.") from fault
    except UnicodeDecodeError as fault:
        raise InputError(f"The result {shown} is not UTF-8 text; {wanted}.") from fault
    version = _version_of(text)
    if version is not None and version.split(".")[0] != SCHEMA_VERSION.split(".")[0]:
        raise InputError(
            f"The result {shown} has schema {short(version, 20)}, this version reads "
            f"{SCHEMA_VERSION}; run the check again."
        )
    try:
        return Diagnosis.from_json(text)
    except ValidationError as fault:
        first = fault.errors(include_url=False, include_input=False)[0]
        where = short(".".join(map(str, first["loc"]))) if first["loc"] else "the whole file"
        raise InputError(
            f"{shown} is not a result of schema {SCHEMA_VERSION}: at {where}: "
            f"{first['msg'][:200]}; {wanted}."
        ) from None


def _version_of(text: str) -> str | None:
    """Return the schema version a document claims, if it can be read at all."""
    import json

    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    version = found.get("schema_version") if isinstance(found, dict) else None
    return version if isinstance(version, str) else None


@app.command()
@_guarded
def demo(
    seed: Annotated[int, typer.Option(help="Seed of every random draw.")] = 0,
    no_progress: Annotated[
        bool, typer.Option("--no-progress", help="No progress on standard error.")
    ] = False,
) -> int:
    """Check three pairs of embedded real data and leave their reports in this folder."""
    from ._progress import Reporter
    from .demo import run_demo

    with Reporter(enabled=not no_progress) as progress:
        return run_demo(Path.cwd(), seed=seed, n_jobs=_jobs(0), progress=progress)


@app.command()
@_guarded
def schema() -> int:
    """Print the JSON Schema of the result."""
    import json

    from .document import json_schema

    print(json.dumps(json_schema(), indent=2))
    return 0


@app.command()
@_guarded
def explain(
    check_id: Annotated[
        str | None, typer.Argument(metavar="CHECK", help="Such as NT302; all if left out.")
    ] = None,
) -> int:
    """Say what a check looks at, how, when it misleads and what to do."""
    import difflib
    import textwrap

    from .checks import CHECKS

    if check_id is None:
        for found in sorted(CHECKS.values(), key=lambda c: c.id):
            print(f"{found.id}  {found.group:13}  {found.name}")
        return 0
    key = check_id.strip().upper()
    if key not in CHECKS:
        near = difflib.get_close_matches(key[:100], CHECKS, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise InputError(
            f"There is no check {short(check_id)}.{hint} `negtransfer explain` lists them all."
        )
    found = CHECKS[key]
    print(f"{found.id}: {found.name} ({found.group})\n")
    print(textwrap.fill(found.explain, 80))
    return 0


if __name__ == "__main__":
    main()
