"""Holm's correction for several tests at once."""

import numpy as np

from .._validation import Floats


def holm(p_values: Floats) -> Floats:
    """Return p-values that hold for a whole family of tests, dependent or not.

    References
    ----------
    Holm (1979), A simple sequentially rejective multiple test procedure, Scand. J. Stat. 6.
    """
    order = np.argsort(p_values, kind="stable")
    factors = np.arange(len(p_values), 0, -1)
    adjusted = np.empty(len(p_values))
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(factors * p_values[order]))
    return adjusted
