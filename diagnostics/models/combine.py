"""Probe and scores put together: which candidate is best, and how sure that is.

The probe measures what is wanted, with noise; the scores measure something near it, with other
noise. Over the candidates the error is regressed on the mean score, and every candidate's probe
error is drawn towards that line, the more the noisier the probe: the estimator of Fay & Herriot
(1979, JASA 74) with the errors' covariance over the same rows. With many labels nothing but the
probe is left; with one or two candidates there is no line, and nothing is drawn anywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
FEWEST = 5
"""Candidates needed for a line through them."""
SEPARATED = 0.9
"""Two candidates are told apart when one is better with at least this probability."""
N_DRAWS = 4000
NOISE = 8.0
"""How many times over the probes' noise counts: a rank from few labels is also uncertain about what
more labels would change. Found on fifteen real networks (`benchmarks/networks`), where the 80 %
interval of the rank then holds the rank that full probes give about 80 times in 100."""
WIDEST, N_SPREADS = 3.0, 40
"""Spreads around the line that are averaged over, in standard deviations of the errors."""


@dataclass(frozen=True, slots=True, eq=False)
class Combined:
    """Expected errors of the candidates, and what is not known about them.

    Attributes
    ----------
    mean : ndarray of shape (m,)
    covariance : ndarray of shape (m, m)
    between : float
        Variance of the errors around the line, averaged; None where no line was drawn.
    slope : float or None
        Of the error on the mean score, in errors a standard deviation.
    """

    mean: Floats
    covariance: Floats
    between: float | None = None
    slope: float | None = None

    def better(self) -> Floats:
        """Return the probability that the row's candidate is better than the column's."""
        from scipy.stats import norm

        difference = self.mean[None, :] - self.mean[:, None]
        variance = np.diag(self.covariance)
        spread = variance[:, None] + variance[None, :] - 2 * self.covariance
        scale = np.sqrt(np.maximum(spread, 1e-18))
        return np.asarray(np.where(spread <= 1e-18, 0.5 + 0.5 * np.sign(difference),
                                   norm.cdf(difference / scale)))  # fmt: skip


def mean_score(scores: Sequence[Sequence[float | None]]) -> Floats | None:
    """Return the mean over scores of the standardised values, shape (m,), or None.

    Parameters
    ----------
    scores : sequence of sequence of float or None
        One inner sequence for each score, over the candidates; larger is better. A candidate
        without a value gets the worst there is; a score that says the same of all is left out.
    """
    kept = []
    for values in scores:
        column = np.array([np.nan if v is None else v for v in values], dtype=np.float64)
        known = column[np.isfinite(column)]
        if not len(known) or np.ptp(known) == 0:
            continue
        column = np.where(np.isfinite(column), column, known.min())
        kept.append((column - column.mean()) / column.std())
    return np.mean(kept, axis=0) if kept else None


def combine(
    errors: Floats, covariance: Floats, score: Floats | None, *, noise: float = NOISE
) -> Combined:
    """Return what probe and scores together say of the candidates.

    Parameters
    ----------
    errors : ndarray of shape (m,)
        Of the probes.
    covariance : ndarray of shape (m, m)
        Of their noise, over the rows that all share.
    score : ndarray of shape (m,) or None
        See `mean_score`.
    noise : float
        How many times the covariance counts.
    """
    m, covariance = len(errors), noise * covariance
    if score is None or m < FEWEST:
        return Combined(errors, covariance)
    design = np.column_stack([np.ones(m), score])
    # no single spread around the line: with few candidates its best estimate is often zero, and
    # everything would be drawn onto the line as if nothing else were possible
    spreads = np.linspace(0, WIDEST, N_SPREADS + 1)[1:] * max(float(np.std(errors)), 1e-9)
    fits = [_fit(errors, covariance, design, float(spread) ** 2) for spread in spreads]
    likelihood = np.array([one.likelihood for one in fits])
    weight = np.exp(likelihood - likelihood.max())
    weight /= weight.sum()
    mean = np.einsum("k,ki->i", weight, np.stack([one.mean for one in fits]))
    apart = np.stack([one.mean for one in fits]) - mean
    left = np.einsum("k,kij->ij", weight, np.stack([one.covariance for one in fits]))
    left += np.einsum("k,ki,kj->ij", weight, apart, apart)
    return Combined(
        mean, left, float(weight @ spreads**2), float(weight @ [one.slope for one in fits])
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Fit:
    """What probe and line say at one variance around the line."""

    likelihood: float
    mean: Floats
    covariance: Floats
    slope: float


def _fit(errors: Floats, covariance: Floats, design: Floats, between: float) -> _Fit:
    inverse = np.linalg.inv(covariance + between * np.eye(len(errors)))
    unknown = np.linalg.inv(design.T @ inverse @ design)
    slopes = unknown @ design.T @ inverse @ errors
    rest = errors - design @ slopes
    terms = np.linalg.slogdet(inverse)[1] + np.linalg.slogdet(unknown)[1] - rest @ inverse @ rest
    drawn = covariance @ inverse
    # the noise that stays, and what is not known of the line
    line = drawn @ design
    left = covariance - drawn @ covariance + line @ unknown @ line.T
    return _Fit(float(terms) / 2, errors - drawn @ rest, (left + left.T) / 2, float(slopes[1]))


@dataclass(frozen=True, slots=True)
class Place:
    """Rank of one candidate, 1 is best."""

    estimate: int
    low: int
    high: int


def places(combined: Combined, *, level: float, rng: np.random.Generator) -> list[Place]:
    """Return for every candidate its rank and the interval of the rank, by drawing errors."""
    m = len(combined.mean)
    order = np.argsort(np.argsort(combined.mean, kind="stable"), kind="stable") + 1
    values, vectors = np.linalg.eigh(combined.covariance)
    root = vectors * np.sqrt(np.maximum(values, 0))
    drawn = combined.mean + rng.standard_normal((N_DRAWS, m)) @ root.T
    ranks = np.argsort(np.argsort(drawn, axis=1, kind="stable"), axis=1, kind="stable") + 1
    low, high = np.quantile(
        ranks, [(1 - level) / 2, (1 + level) / 2], axis=0, method="nearest"
    )  # fmt: skip
    return [
        Place(int(order[i]), int(min(low[i], order[i])), int(max(high[i], order[i])))
        for i in range(m)
    ]


def brackets(combined: Combined) -> list[list[int]]:
    """Return runs of candidates, in order, of which no two can be told apart.

    Runs are as long as possible and may overlap; a candidate told apart from all others is in
    none.
    """
    order = np.argsort(combined.mean, kind="stable")
    better = combined.better()
    found: list[list[int]] = []
    reach = 0
    for start in range(len(order)):
        end = start
        while end + 1 < len(order) and all(
            better[order[one], order[end + 1]] < SEPARATED for one in range(start, end + 1)
        ):
            end += 1
        if end > start and end + 1 > reach:
            found.append([int(i) for i in order[start : end + 1]])
            reach = end + 1
    return found


def concordance(scores: Sequence[Sequence[float | None]]) -> tuple[int, float, float] | None:
    """Return how many scores, Kendall's W over their orders, and its p-value; None below two.

    Ties share their mean rank; the chi-square approximation serves seven candidates or more.
    """
    from scipy.stats import chi2, rankdata

    table = [s for s in scores if all(v is not None for v in s) and len(set(s)) > 1]
    if len(table) < 2 or len(table[0]) < 3:
        return None
    ranks: Any = np.array([rankdata(s) for s in table])
    k, m = ranks.shape
    totals = ranks.sum(axis=0)
    ties = sum(
        float((counts**3 - counts).sum())
        for counts in (np.unique(row, return_counts=True)[1] for row in ranks)
    )
    spread = float(((totals - totals.mean()) ** 2).sum())
    w = 12 * spread / (k**2 * (m**3 - m) - k * ties)
    return k, float(min(w, 1.0)), float(chi2.sf(k * (m - 1) * w, m - 1))
