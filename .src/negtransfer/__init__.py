"""Find out before you train whether transfer from a source to a target helps or hurts.

This module only re-exports, and only on request: importing :mod:`negtransfer` loads
neither numpy nor scikit-learn, so that the command line answers at once.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from .diagnostics.document import Diagnosis
    from .diagnostics.domain import Domain
    from .diagnostics.errors import InputError, NegativeTransferError
    from .diagnostics.models import ModelRanking, rank_models
    from .diagnostics.preflight import preflight, require

_HOMES = {
    "Diagnosis": ".diagnostics.document",
    "Domain": ".diagnostics.domain",
    "InputError": ".diagnostics.errors",
    "ModelRanking": ".diagnostics.models",
    "NegativeTransferError": ".diagnostics.errors",
    "preflight": ".diagnostics.preflight",
    "rank_models": ".diagnostics.models",
    "require": ".diagnostics.preflight",
}

__all__ = [
    "Diagnosis",
    "Domain",
    "InputError",
    "ModelRanking",
    "NegativeTransferError",
    "__version__",
    "preflight",
    "rank_models",
    "require",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
