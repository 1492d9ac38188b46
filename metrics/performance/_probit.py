"""Rates on the probit scale, kept off 0 and 1."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from .._validation import Floats


def probit(rates: ArrayLike, rows: int) -> Floats:
    """Return the normal quantiles of rates of so many rows; 0 counts as half a row."""
    edge = 0.5 / rows
    return np.asarray(ndtri(np.clip(rates, edge, 1 - edge)))
