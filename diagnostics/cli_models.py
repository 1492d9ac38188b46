"""``negtransfer models``: a thin face over :func:`negtransfer.diagnostics.rank_models`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from ._words import short
from .cli_common import check_options, guarded, show, write_outputs
from .errors import InputError


@guarded
def models(
    candidates: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL...",
            help="Saved features (.npz, .npy, .parquet), or timm:NAME, torchvision:NAME, hf:NAME; "
            "NAME=MODEL calls it NAME.",
        ),
    ],
    target: Annotated[
        str | None,
        typer.Option("--target", "-t", help="The target's rows: a folder of images, CSV, Parquet, "
                     ".npz or .npy. Not needed where saved features hold labels."),
    ] = None,
    label: Annotated[
        str | None, typer.Option("--label", "-l", help="Label column, or entry of an .npz.")
    ] = None,
    labels: Annotated[
        str | None, typer.Option(help="File of labels, where the rows hold none.")
    ] = None,
    text: Annotated[str | None, typer.Option(help="Column that holds texts.")] = None,
    source: Annotated[
        str | None, typer.Option(help="Source rows, to see in which layers the two lie apart.")
    ] = None,
    size: Annotated[int, typer.Option(help="Bring images to this height and width; 0: as is.")] = 0,
    task: Annotated[
        str | None, typer.Option(help="binary, multiclass or regression; inferred by default.")
    ] = None,
    metric: Annotated[str | None, typer.Option(help="Your metric, as for `check`.")] = None,
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
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    cache: Annotated[Path | None, typer.Option(help="Folder to keep features in.")] = None,
    no_untrained: Annotated[
        bool, typer.Option("--no-untrained", help="Leave out the untrained copies.")
    ] = False,
    no_progress: Annotated[
        bool, typer.Option("--no-progress", help="No progress on standard error.")
    ] = False,
) -> int:  # fmt: skip
    """Rank pretrained MODELs for a target: which, from which layer, how adapted, or none."""
    given = _named(candidates)
    inputs = [*given.values(), *(p for p in (target, source, labels) if p)]
    check_options(fail_on, output, html, json, tuple(inputs))
    from ..reports import render_models_html, render_models_text
    from ._progress import Reporter
    from .models import Rows, rank_models
    from .models.gate import exit_code

    with Reporter(enabled=not no_progress) as progress:
        rows = None
        if target is not None:
            rows = Rows.load(target, label=label, labels=labels, text=text, size=size or None)
        result = rank_models(
            given, rows, source=source, task=task, metric=metric,  # type: ignore[arg-type]
            untrained=not no_untrained, random_state=seed, device=device, cache_dir=cache,
            progress=progress,
        )  # fmt: skip
    write_outputs(result, html, json, render_models_html)
    show(result, output, html, json, render_models_text)
    return exit_code(result, fail_on=fail_on, allow_insufficient=allow_insufficient)


def _named(candidates: list[str]) -> dict[str, str]:
    """Return names to models: ``NAME=MODEL``, or the model under its own name."""
    from .models import as_candidates

    found: dict[str, str] = {}
    for text in candidates:
        name, equals, model = text.partition("=")
        if not equals or os.path.exists(text):
            name, model = as_candidates([text])[0].name, text
        if name in found:
            raise InputError(f"Two models are called {short(name)}; call one of them NAME=MODEL.")
        found[name] = model
    return found
