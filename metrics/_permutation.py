"""One engine for statistics that are quadratic forms of a kernel matrix.

For 0/1 indicator columns ``a`` (first group) and their complements ``b`` every two-sample
statistic of a kernel with zeroed diagonal needs only ``a'Ka``, ``b'Kb`` and ``a'Kb``. All
columns, observed or permuted, share one product ``K A`` that is taken in blocks of rows, so
that no matrix of pairs is ever held; ``b`` needs no product of its own because
``Kb = K1 - Ka``. As ``K`` is symmetric, every pair is evaluated and multiplied once.

The other half of the engine, which rows may change sides, is `_exchange.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np

from ._arrays import Array, like, namespace, to_numpy
from ._exchange import permuted_indicators as permuted_indicators
from ._kernels import keep_upper
from ._validation import Floats

_TIE = 1e-10
FAST_TIE = 1e-4
"""Relative slack for ties where sums were taken in single precision."""


@dataclass(slots=True, eq=False)
class GroupSums:
    """Sums of one kernel, diagonal left out, that grow block by block.

    Call :meth:`add` for every block and :meth:`close` after the last one. A constant near the
    mean of the kernel is taken off every pair before it is multiplied, and put back into the
    sums: numbers around zero lose fewer digits.

    Attributes
    ----------
    first_size : ndarray of shape (B,)
        Rows in the first group, for every column.
    offset : float
        The constant; None before the first block.
    """

    n_rows: int
    first_size: Floats
    offset: float | None = field(init=False, default=None)
    _within: Floats = field(init=False)
    _first_all: Floats = field(init=False)
    _row_sums: Floats = field(init=False)
    _squares: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        self._within = np.zeros(len(self.first_size))
        self._first_all = np.zeros(len(self.first_size))
        self._row_sums = np.zeros(self.n_rows)

    def add(self, rows: slice, values: Array, columns: Array) -> None:
        """Add the pairs of `rows` with themselves and all rows behind; `values` is used up."""
        xp = namespace(values)
        if self.offset is None:
            self.offset = float(xp.mean(values))
        values -= self.offset
        keep_upper(values)
        own = columns[rows, :]
        product = values @ columns[rows.start :, :]
        self._within += 2 * to_numpy(xp.sum(own * product, axis=0, dtype=xp.float64))
        by_row = values @ xp.ones_like(values[0, :])
        by_column = xp.ones_like(values[:, 0]) @ values
        self._row_sums[rows] += to_numpy(by_row)
        self._row_sums[rows.start :] += to_numpy(by_column)
        flat = xp.reshape(values, (-1,))
        self._squares += 2 * float(flat @ flat)

    def close(self, indicators: Floats) -> None:
        """Take the sums that need all rows; call once, after the last block."""
        self._first_all = self._row_sums @ indicators

    @property
    def within_first(self) -> Floats:
        """``a'Ka`` for every column ``a``, shape (B,)."""
        return self._within + (self.offset or 0.0) * self.first_size * (self.first_size - 1)

    @property
    def first_all(self) -> Floats:
        """``a'K1`` for every column, shape (B,)."""
        return self._first_all + (self.offset or 0.0) * self.first_size * (self.n_rows - 1)

    @property
    def row_sums(self) -> Floats:
        """``K1``, shape (N,)."""
        return self._row_sums + (self.offset or 0.0) * (self.n_rows - 1)

    def mmd2(self, *, biased: bool = False) -> Floats:
        """Return the squared MMD of every column against its complement, shape (B,).

        The biased form takes the kernel of a row with itself as 0.
        """
        within, all_pairs = (self._within, self._first_all)
        if biased:
            within, all_pairs = self.within_first, self.first_all
        total = float(self.row_sums.sum() if biased else self._row_sums.sum())
        second = total - 2 * all_pairs + within
        sizes = self.first_size, self.n_rows - self.first_size
        return mmd2_from_sums(within, second, all_pairs - within, *sizes, biased=biased)

    def mean_square(self) -> float:
        """Mean squared entry off the diagonal."""
        pairs, offset = self.n_rows * (self.n_rows - 1), self.offset or 0.0
        raw = self._squares + 2 * offset * float(self._row_sums.sum())
        return max(0.0, raw / pairs + offset**2)

    def centred_mean_square(self) -> float:
        """Mean squared entry off the diagonal after row and column means are taken out."""
        n = self.n_rows
        total = float(self._row_sums.sum())
        u = self._row_sums / (n - 1)
        g = total / (n * (n - 1))
        fitted = 2 * n * (u @ u) + 2 * u.sum() ** 2 + n * n * g * g - 4 * g * n * u.sum()
        fitted -= float(((2 * u - g) ** 2).sum())
        cross = 2 * (self._row_sums @ u) - g * total
        return float(max(0.0, self._squares + fitted - 2 * cross) / (n * (n - 1)))


def mmd2_from_sums(
    first: Floats, second: Floats, cross: Floats, n: Floats | int, m: Floats | int, *,
    biased: bool = False,
) -> Floats:  # fmt: skip
    """Return MMD² from sums over ordered pairs (Gretton et al. 2012, Lemma 6 and equation 5)."""
    own_n, own_m = (n * n, m * m) if biased else (n * (n - 1), m * (m - 1))
    # A group of one row has no pairs: its sum is 0 whatever it is divided by.
    within = first / np.maximum(own_n, 1) + second / np.maximum(own_m, 1)
    return np.asarray(within - 2 * cross / np.maximum(n * m, 1))


def indicators_like(indicators: Floats, pooled: Array, precision: object) -> Array:
    """Return 0/1 columns where the pooled rows lie, in the precision of the blocks."""
    return namespace(pooled).astype(like(indicators, pooled), precision)


# --- p-values


def permutation_p_value(statistics: Floats, *, tie: float = _TIE) -> float:
    """Return (1 + #{T_b >= T}) / (1 + B); the observed value stands first.

    Values within rounding of the observed one count as reaching it: a tie must not
    become evidence because sums were taken in another order (Phipson & Smyth 2010).
    """
    return float((1 + np.count_nonzero(_reached(statistics, tie))) / len(statistics))


def sequential_p_value(statistics: Floats, enough: int, *, tie: float = _TIE) -> tuple[float, int]:
    """Return a p-value and how many permutations it rests on (Besag & Clifford 1991).

    Permutations are read in the order given. If ``enough`` of them reach the observed value
    (which stands first), the p-value is ``enough`` over the number read until then; otherwise
    all count, as in :func:`permutation_p_value`. Valid whatever ``enough`` is, never 0.
    """
    hits = np.flatnonzero(_reached(statistics, tie))
    if len(hits) < enough:
        return permutation_p_value(statistics, tie=tie), len(statistics) - 1
    used = int(hits[enough - 1]) + 1
    return enough / used, used


def _reached(statistics: Floats, tie: float) -> Floats:
    slack = tie * max(1.0, float(np.abs(statistics[0])))
    return np.asarray(statistics[1:] >= statistics[0] - slack)


def max_t_p_values(statistics: Floats, *, step_down: bool = True, tie: float = _TIE) -> Floats:
    """Return p-values adjusted for testing several statistics, shape (K,).

    The chance of any false alarm among the K stays below the level. All columns must come from
    the same permutations, so that their dependence is accounted for, and be on one scale
    (such as standardised, or ranks), else the widest one decides.

    Parameters
    ----------
    statistics : ndarray of shape (1 + B, K)
        The observed values first; large means evidence.
    step_down : bool
        Whether statistics larger than the one in question are left out of the maximum; never
        less powerful (Westfall & Young 1993, algorithm 4.1).
    tie : float
        Relative slack within which values count as equal.
    """
    observed, permuted = statistics[0], statistics[1:]
    order = np.argsort(-observed, kind="stable")
    maxima = np.maximum.accumulate(permuted[:, order[::-1]], axis=1)[:, ::-1]
    if not step_down:
        maxima = np.repeat(maxima[:, :1], len(order), axis=1)
    wanted = observed[order] - tie * np.maximum(1.0, np.abs(observed[order]))
    reached = (1 + np.count_nonzero(maxima >= wanted, axis=0)) / len(statistics)
    adjusted = np.empty(len(order))
    adjusted[order] = np.maximum.accumulate(reached)
    return adjusted


def run_permutations(
    statistic: Callable[[Floats], Floats], batches: Iterable[Floats], *,
    enough: int | None = None, tie: float = _TIE,
) -> tuple[float, Floats]:  # fmt: skip
    """Return the p-value and the statistics it rests on, the observed one first.

    Parameters
    ----------
    statistic : callable
        Indicator columns (N, b) to their statistics (b,).
    batches : iterable of ndarray of shape (N, b)
        The first column of the first batch is the observed one.
    enough : int or None
        Stop as soon as this many permutations reach the observed statistic; None takes all.
    tie : float
        Relative slack within which values count as equal.
    """
    found: list[Floats] = []
    for columns in batches:
        found.append(statistic(columns))
        statistics = np.concatenate(found)
        if enough is not None and np.count_nonzero(_reached(statistics, tie)) >= enough:
            p_value, used = sequential_p_value(statistics, enough, tie=tie)
            return p_value, statistics[: used + 1]
    return permutation_p_value(statistics, tie=tie), statistics
