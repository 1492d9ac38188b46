"""Domains, checks, pilot, gap, strategies, verdict and the command line."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .models import rank_models
    from .preflight import preflight

__all__ = ["preflight", "rank_models"]

_HOMES = {"preflight": ".preflight", "rank_models": ".models"}


def __getattr__(name: str) -> Any:
    # on request only: the command line must answer before anything heavy is imported
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
