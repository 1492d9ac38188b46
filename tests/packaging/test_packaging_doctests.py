"""The examples in docstrings, run under the package's own names.

``pytest --doctest-modules`` would import the folders bare, which the relative imports refuse.
"""

from __future__ import annotations

import doctest
import pkgutil
from importlib import import_module

import pytest

import negtransfer


def names() -> list[str]:
    walked = pkgutil.walk_packages(negtransfer.__path__, "negtransfer.")
    return ["negtransfer", *(m.name for m in walked if not m.name.endswith(".__main__"))]


NAMES = names()


def test_the_walk_reaches_every_floor():
    """An empty walk would pass in silence."""
    for floor in ("metrics", "diagnostics", "diagnostics.checks", "reports"):
        assert sum(name.startswith(f"negtransfer.{floor}.") for name in NAMES) > 3


@pytest.mark.parametrize("name", NAMES)
def test_examples(name):
    module = import_module(name)
    assert module.__name__ == name
    result = doctest.testmod(
        module, optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS, verbose=False
    )
    assert result.failed == 0
