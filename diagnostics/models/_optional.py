"""Packages that are used where they are installed, and are no dependencies."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ..domain._door import Door
from ..domain._words import short


def optional(module: str, package: str, door: Door) -> Any:
    """Return a module of an optional package, or say what to install.

    Parameters
    ----------
    module : str
        Its full name, such as ``"PIL.Image"``.
    package : str
        What pip calls it.
    door : Door
        Whose sentence it is.
    """
    try:
        return import_module(module)
    except Exception as error:
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        if missing is not None and f"{module}.".startswith(f"{missing}."):
            raise door.error(
                f"needs the package {package}, which is not installed; "
                f"install it with: pip install {package}"
            ) from None
        raise door.error(
            f"needs the package {package}, which is installed but cannot be loaded "
            f"({short(first_line(error))}); install it again"
        ) from None


def first_line(error: BaseException) -> str:
    """Return what an error says, in one line."""
    lines = str(error).strip().splitlines()
    return lines[0].strip() if lines else type(error).__name__
