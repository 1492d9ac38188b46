"""How well an estimator tells the error on parts of the source that it was not fitted on."""

from __future__ import annotations

import math

import numpy as np
from scipy.stats import norm

from .._validation import Ints
from ._home import Home, Statistic
from ._validity import ValidityCheck, tested, untested

NAME = "errors of subpopulations are told"
_LEAST = 20
_MOST = 12
_DRAWS = 40


def subpopulation_check(
    statistic: Statistic, home: Home, groups: Ints, rng: np.random.Generator, *,
    given: bool, otherwise: str = "predicted class",
) -> ValidityCheck:  # fmt: skip
    """Leave each subpopulation of the source out, estimate its error, compare with the truth.

    A subpopulation is a shift whose truth is known. The p-value is that of the largest
    discrepancy, corrected for their number (Bonferroni); the size is the root mean square
    discrepancy beyond what chance explains.

    Parameters
    ----------
    statistic : callable
    home : Home
    groups : ndarray of int64, shape (n,)
        Of which those with 20 rows inside and outside count, the 12 largest at most.
    rng : numpy.random.Generator
    given : bool
        Whether the groups were given.
    otherwise : str
        What they are if not.
    """
    what = "groups given" if given else otherwise
    codes, counts = np.unique(groups, return_counts=True)
    fit = (counts >= _LEAST) & (len(groups) - counts >= _LEAST)
    order = np.argsort(-counts[fit], kind="stable")[:_MOST]
    chosen = codes[fit][order]
    if len(chosen) < 2:
        return untested(
            NAME,
            f"Fewer than two subpopulations of the source ({what}) have {_LEAST} rows: whether "
            "the estimate follows a shift was not tested.",
        )
    pairs = [_discrepancy(statistic, home, groups == code, rng) for code in chosen]
    missed, noise = np.array(pairs).T
    p_value = min(1.0, 2 * len(pairs) * float(norm.sf(np.abs(missed / noise).max())))
    size = math.sqrt(max(0.0, float(np.mean(missed**2 - noise**2))))
    over = f"over {len(pairs)} subpopulations of the source ({what})"
    return tested(
        NAME, p_value, size,
        good=f"The estimate follows the error {over} as far as can be seen",
        bad=f"The estimate misses the error {over}",
    )  # fmt: skip


def _discrepancy(
    statistic: Statistic, home: Home, inside: np.ndarray[tuple[int], np.dtype[np.bool_]],
    rng: np.random.Generator,
) -> tuple[float, float]:  # fmt: skip
    """Return estimate minus truth of one subpopulation, and its standard error."""
    part, rest = home.take(np.flatnonzero(inside)), home.take(np.flatnonzero(~inside))
    drawn = [
        statistic(
            rest.take(rng.integers(len(rest), size=len(rest))),
            part.seen[rng.integers(len(part), size=len(part))],
        )
        for _ in range(_DRAWS)
    ]
    # estimate and truth of the same rows vary together, which is left out: too cautious a noise
    noise = math.hypot(float(np.std(drawn, ddof=1)), part.noise)
    return statistic(rest, part.seen) - part.error, max(noise, 1e-12)
