"""The area under the ROC curve of held-out scores: its interval and its p-value.

Source rows are the negatives, target rows the positives. Hard predictions are scores of 0 and 1,
for which the area is the balanced accuracy; everything here then holds for it too.
"""

from __future__ import annotations

import numpy as np
from scipy.stats import hypergeom, mannwhitneyu, norm, rankdata

from .._permutation import permutation_p_value
from .._results import Interval
from .._validation import Floats, Ints

_EXACT_ROWS = 100  # beyond, the normal approximation with ties is good and the count slow
_N_PERMUTATIONS = 999


def auc(scores: Floats, is_target: Ints) -> float:
    """Return P(score of a target row > score of a source row), ties counted half."""
    return _auc_of_ranks(rankdata(scores), is_target)


def _auc_of_ranks(ranks: Floats, is_target: Ints) -> float:
    m = int(is_target.sum())
    n = len(is_target) - m
    return float((ranks @ is_target - m * (m + 1) / 2) / (n * m))


def delong_interval(scores: Floats, is_target: Ints, groups: Ints, level: float) -> Interval:
    """Return DeLong's interval for the area, whole groups being the independent units.

    The influence of every row on the area is summed within its group (DeLong et al. 1988,
    Biometrics 44, eq. 3-5; Obuchowski 1997, Biometrics 53, for groups). Where the sides are
    (nearly) separated these sums vanish although the area is not known exactly; the variance
    is therefore at least Newcombe's (2006, Stat. Med. 25) at an area pulled inwards by one
    made-up misordered group.
    """
    area = auc(scores, is_target)
    influence = np.empty(len(scores))
    sides = [np.flatnonzero(is_target == side) for side in (0, 1)]
    sizes = [len(np.unique(groups[rows])) for rows in sides]
    for rows, others, size in zip(sides, sides[::-1], sizes, strict=True):
        ranked = np.sort(scores[others])
        below = np.searchsorted(ranked, scores[rows], "left")
        at_most = np.searchsorted(ranked, scores[rows], "right")
        own = (below + at_most) / 2 / len(ranked)
        few = np.sqrt(size / max(size - 1, 1))  # divides by one group less
        influence[rows] = (own - own.mean()) / len(rows) * few
    # A higher source score lowers the area.
    influence[sides[0]] *= -1
    _, group = np.unique(groups, return_inverse=True)
    by_group = np.bincount(group.ravel(), weights=influence)
    variance = max(float(by_group @ by_group), _least_variance(area, *sizes))
    reach = float(norm.ppf((1 + level) / 2)) * float(np.sqrt(variance))
    return Interval(max(0.0, area - reach), min(1.0, area + reach), level, "DeLong")


def _least_variance(area: float, n: int, m: int) -> float:
    fewest = min(n, m)
    inner = (fewest * max(area, 1 - area) + 1) / (fewest + 2)
    spread = 1 + ((n + m) / 2 - 1) * ((1 - inner) / (2 - inner) + inner / (1 + inner))
    return inner * (1 - inner) * spread / (n * m)


def held_out_p_value(
    scores: Floats, is_target: Ints, groups: Ints, rng: np.random.Generator
) -> tuple[float, str]:
    """Return the one-sided p-value of scores from a classifier that saw none of the rows.

    Given such a classifier the sides of the held-out rows are exchangeable when nothing
    differs; that alone is used. The second value says how.
    """
    if len(np.unique(groups)) < len(groups):
        return _grouped_p_value(scores, is_target, groups, rng), (
            f"{_N_PERMUTATIONS} permutations of the held-out groups"
        )
    levels = np.unique(scores)
    if len(levels) == 1:
        return 1.0, "all scores alike"
    if len(levels) == 2:
        high = scores == levels[1]
        found, m = int(high[is_target == 1].sum()), int(is_target.sum())
        p_value = float(hypergeom.sf(found - 1, len(scores), int(high.sum()), m))
        return min(1.0, p_value), "exact (Fisher)"
    if len(scores) <= _EXACT_ROWS:
        return _rank_sum_p_value(scores, is_target), "exact (Mann-Whitney with ties)"
    sides = scores[is_target == 1], scores[is_target == 0]
    found_by_rank = mannwhitneyu(*sides, alternative="greater", method="asymptotic")
    return float(found_by_rank.pvalue), "normal (Mann-Whitney with ties)"


def _rank_sum_p_value(scores: Floats, is_target: Ints) -> float:
    """Count the choices of target rows whose rank sum reaches the observed one."""
    ranks = np.rint(2 * rankdata(scores)).astype(np.int64)  # doubled: midranks become whole
    m, total = int(is_target.sum()), int(ranks.sum())
    ways = np.zeros((m + 1, total + 1))
    ways[0, 0] = 1.0
    for rank in ranks:
        ways[1:, rank:] += ways[:-1, : total + 1 - rank].copy()
    observed = int(ranks @ is_target)
    return float(ways[m, observed:].sum() / ways[m].sum())


def _grouped_p_value(
    scores: Floats, is_target: Ints, groups: Ints, rng: np.random.Generator
) -> float:
    ranks = rankdata(scores)
    sides = [is_target] + [permute_sides(is_target, groups, rng) for _ in range(_N_PERMUTATIONS)]
    return permutation_p_value(np.array([_auc_of_ranks(ranks, side) for side in sides]))


def permute_sides(is_target: Ints, groups: Ints, rng: np.random.Generator) -> Ints:
    """Exchange sides among groups that lie on one side, and among the rows of every other."""
    _, group = np.unique(groups, return_inverse=True)
    group = group.ravel()
    share = np.bincount(group, weights=is_target) / np.bincount(group)
    pure = (share == 0) | (share == 1)
    share[pure] = rng.permutation(share[pure])
    moved = np.asarray(share[group] == 1).astype(np.int64)
    mixed = np.flatnonzero(~pure[group])
    ordered = mixed[np.argsort(group[mixed], kind="stable")]
    shuffled = mixed[np.lexsort((rng.random(len(mixed)), group[mixed]))]
    moved[shuffled] = is_target[ordered]
    return moved
