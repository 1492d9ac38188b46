"""Renderings of a finished diagnosis; nothing here computes evidence.

Three views of a diagnosis: the terminal (`render_text`), the page (`render_html`) and the notebook
card (`render_card`); two of a comparison of models: `render_models_text` and `render_models_html`.
They are loaded on first use, so that importing this package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .card import render_card
    from .html import render_html
    from .models_html import render_models_html
    from .models_text import render_models_text
    from .text import render_text

__all__ = [
    "render_card",
    "render_html",
    "render_models_html",
    "render_models_text",
    "render_text",
]

_HOMES = {
    "render_card": ".card",
    "render_html": ".html",
    "render_models_html": ".models_html",
    "render_models_text": ".models_text",
    "render_text": ".text",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name], __name__), name)


def __dir__() -> list[str]:
    return sorted(__all__)
