"""The command line: a thin face over :func:`negtransfer.preflight`.

Nothing heavy is imported before a command runs, so that ``--help`` answers at once.
"""

from __future__ import annotations

import io
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ._words import short
from .cli_common import (
    check_options,
    check_output,
    guarded,
    jobs_of,
    leave_at_once,
    plain,
    say,
    show,
    why,
    write_outputs,
)
from .cli_models import models
from .costs import HARM_COST
from .errors import InputError
from .gate import INTERNAL, INTERRUPTED, exit_code

if TYPE_CHECKING:
    pass

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
        say("Interrupted.")
        leave_at_once(INTERRUPTED)
    except SystemExit as stop:
        if stop.code in (INTERNAL, INTERRUPTED):
            leave_at_once(stop.code)
        raise


def _open_streams() -> None:
    """Let every answer be written: escapes where a stream knows no Unicode, nothing if closed."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


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
@guarded
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
    strategies: Annotated[
        str, typer.Option(help="default, fast, all, or names with commas between.")
    ] = "default",
    group: Annotated[
        str | None,
        typer.Option(help="Column on both sides that names the unit of a row (patient, user, "
                     "site): rows of one unit are held out together."),
    ] = None,
    time: Annotated[
        str | None,
        typer.Option(help="Column that orders the target's rows (numbers or dates): only "
                     "earlier rows are trained on."),
    ] = None,
    reruns: Annotated[
        int,
        typer.Option(help="Repeat pilot and verdict with so many other seeds; each takes about "
                     "as long as the pilot, on top of the budget."),
    ] = 0,
    harm_cost: Annotated[
        float,
        typer.Option(help="How many times a harm counts against a gain of the same size, when "
                     "strategies are compared."),
    ] = HARM_COST,
    margin: Annotated[
        float | None,
        typer.Option(help="Smallest gap that matters, in the error's own scale: 0.01 is one "
                     "point (default), 0.02 that many standard deviations."),
    ] = None,
    label_cost: Annotated[
        float | None,
        typer.Option(help="Cost of one more target label, in the error's own scale, to weigh "
                     "more labels against what they save: 0.0001 if a hundred must save a point."),
    ] = None,
    no_progress: Annotated[
        bool, typer.Option("--no-progress", help="No progress on standard error.")
    ] = False,
) -> int:  # fmt: skip
    """Compare SOURCE with TARGET and say whether transfer helps, hurts, or cannot be told."""
    check_options(fail_on, output, html, json, (source, target))
    seconds = parse_budget(budget)
    from ..reports import render_html, render_text
    from ._progress import Reporter
    from .preflight import preflight

    with Reporter(enabled=not no_progress) as progress:
        result = preflight(
            source=source, target=target, label=label, source_label=source_label,
            target_label=target_label, task=task, metric=metric, learner=learner,
            random_state=seed, budget=seconds, keep_shared_rows=keep_shared_rows,
            strategies=strategies, group=group, time=time, reruns=reruns,
            harm_cost=harm_cost, margin=margin, label_cost=label_cost,
            n_jobs=jobs_of(jobs), progress=progress, origin="flag",
        )  # fmt: skip
    write_outputs(result, html, json, render_html)
    show(result, output, html, json, render_text)
    cost = result.cost
    progress.took(result.headline_learner, None if cost is None else cost.rows_full_training)
    return exit_code(result, fail_on=fail_on, allow_insufficient=allow_insufficient)


def parse_budget(text: str) -> float:
    """Return seconds from text such as ``60``, ``60s``, ``2m``, ``1h``."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(s|m|h)?\s*", text)
    if not found:
        raise InputError(
            f"--budget is {short(text)}; give seconds, or a number with s, m or h: 60s."
        )
    return float(found[1]) * {None: 1, "s": 1, "m": 60, "h": 3600}[found[2]]


app.command()(models)


@app.command()
@guarded
def report(
    result: Annotated[Path, typer.Argument(metavar="RESULT", help="A result written with --json.")],
    html: Annotated[Path, typer.Option(help="Where to write the page.")],
) -> int:
    """Write the HTML report of a finished RESULT again, without computing anything."""
    check_output(html, (str(result),))
    found = _read_result(result)
    from ..reports import render_html, render_models_html

    page = render_models_html if hasattr(found, "document") else render_html
    write_outputs(found, html, None, page)
    print(f"html={plain(str(html))}")
    return 0


def _read_result(path: Path) -> Any:
    """Return a Diagnosis, or a ModelRanking where the file says that it is one."""
    from pydantic import ValidationError

    from .document import SCHEMA_VERSION as CHECKS
    from .document import Diagnosis
    from .models.document import SCHEMA_VERSION as MODELS
    from .models.document import ModelRanking

    shown = short(str(path))
    wanted = "give a file written by `negtransfer check --json` or `negtransfer models --json`"
    try:
        if path.exists() and not path.is_file():
            raise InputError(f"The result {shown} is not a regular file; {wanted}.")
        text = path.read_text(encoding="utf-8")
    except OSError as fault:
        raise InputError(f"The result {shown} cannot be read ({why(fault)}); {wanted}.") from fault
    except UnicodeDecodeError as fault:
        raise InputError(f"The result {shown} is not UTF-8 text; {wanted}.") from fault
    of_models = _field(text, "document") == "models"
    reads = MODELS if of_models else CHECKS
    version = _field(text, "schema_version")
    if version is not None and version.split(".")[0] != reads.split(".")[0]:
        raise InputError(
            f"The result {shown} has schema {short(version, 20)}, this version reads "
            f"{reads}; run it again."
        )
    try:
        return ModelRanking.from_json(text) if of_models else Diagnosis.from_json(text)
    except ValidationError as fault:
        first = fault.errors(include_url=False, include_input=False)[0]
        where = short(".".join(map(str, first["loc"]))) if first["loc"] else "the whole file"
        raise InputError(
            f"{shown} is not a result of schema {reads}: at {where}: "
            f"{first['msg'][:200]}; {wanted}."
        ) from None


def _field(text: str, name: str) -> str | None:
    """Return a text that a document holds at its top, if it can be read at all."""
    import json

    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    value = found.get(name) if isinstance(found, dict) else None
    return value if isinstance(value, str) else None


@app.command()
@guarded
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
        return run_demo(Path.cwd(), seed=seed, n_jobs=jobs_of(0), progress=progress)


@app.command()
@guarded
def schema(
    of: Annotated[str, typer.Option("--of", help="check or models.")] = "check",
) -> int:
    """Print the JSON Schema of the result."""
    import json

    from . import document
    from .models import document as of_models

    if of not in ("check", "models"):
        raise InputError(f"--of is {short(of)}; use check or models.")
    print(json.dumps((document if of == "check" else of_models).json_schema(), indent=2))
    return 0


@app.command()
@guarded
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
