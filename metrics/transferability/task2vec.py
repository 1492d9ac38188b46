"""Task2Vec: a task as the Fisher information of a linear head fitted to it, and distances."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike

from .._scores import (
    Caution,
    ScoreResult,
    chance_level,
    check_features,
    check_labels,
    feature_cautions,
    label_cautions,
    score_interval,
)
from .._validation import (
    Floats,
    Ints,
    RandomState,
    as_float,
    check_choice,
    check_count,
    check_positive,
    check_share,
    generator,
)
from ..registry import register
from ._linear_head import fit_head, principal_axes

Task2VecDistance: TypeAlias = Literal[
    "cosine", "normalized_cosine", "correlation", "kl", "asymmetric_kl", "jsd", "entropy"
]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Task2VecResult(ScoreResult):
    """Outcome of :func:`task2vec`.

    Attributes
    ----------
    embedding : ndarray of shape (d,), or None
        Fisher information of the head's weights, mean over the classes, for every column.
    scale : ndarray of shape (d,)
        What a task that uses no column would have there; the trivial embedding.
    """

    embedding: Floats | None
    scale: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Task2VecDistanceResult(ScoreResult):
    """Outcome of :func:`task2vec_distance`; smaller is closer.

    Attributes
    ----------
    symmetric_value : float or None
        The distance before what is taken off for the complexity of the first task.
    to_trivial : float or None
        Distance of the first task from the trivial one.
    """

    symmetric_value: float | None
    to_trivial: float | None


@register(
    family="transferability", units="Fisher information", range=(0.0, math.inf),
    direction="larger means a more complex task", cost="O(n d min(n, d) + steps n min(n, d) C)",
    inputs="other",
    invariances=("row order", "column order", "relabelling"), min_rows=4,
)  # fmt: skip
def task2vec(
    features: ArrayLike,
    labels: ArrayLike,
    *,
    strength: float = 1.0,
    scale: float | ArrayLike = 1.0,
    n_permutations: int = 20,
    n_draws: int = 20,
    level: float = 0.8,
    random_state: RandomState = 0,
) -> Task2VecResult:
    r"""Embed a task by the Fisher information of a linear head, after Achille et al.

    Parameters
    ----------
    features : array of shape (n, d)
        Of one and the same probe network for all tasks that are to be compared.
    labels : array of shape (n,)
        Classes, of any type.
    strength : float
        Inverse penalty of the head (scikit-learn's ``C``), on features divided by one factor to
        mean variance 1.
    scale : float or array of shape (d,)
        The trivial embedding; 1 as in the authors' Monte Carlo variant.
    n_permutations : int
        Shuffles of the labels for the chance level; 0 leaves it out. Each fits a head.
    n_draws : int
        Half-samples for the interval; 0 leaves it out. Each fits a head.
    level : float
        Nominal coverage of the interval.
    random_state : int, numpy.random.Generator or None
        Seed of shuffles and half-samples; the value does not depend on it.

    Returns
    -------
    Task2VecResult
        The embedding, and as ``value`` the sum of its entries, which grows with the complexity of
        the task. No value with one class. It has no best value, hence no ``normalised``.

    Notes
    -----
    Entry j is :math:`\frac1C \sum_c \frac1n \sum_i p_{ic} (1 - p_{ic}) x_{ij}^2`: the diagonal
    of the Fisher information of the weights, exactly, with labels from the model. The authors
    draw these labels, square gradients of means over batches of 64 (so that their values depend
    on the batch), and take the filters of a convolutional network; here the head on the network's
    last features stands for it, so compare only embeddings made by this function.

    Columns that are 0 throughout (dead units) have the entry 0. The embedding does not see what
    classes are called, and depends on the scale of the features.

    References
    ----------
    Achille et al. (2019), Task2Vec: Task Embedding for Meta-Learning, ICCV.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> labels = np.arange(90) % 3
    >>> features = rng.normal(size=(90, 4)) + 2 * np.eye(4)[labels]
    >>> result = task2vec(features, labels)
    >>> round(result.value, 2), round(result.chance.mean, 2)
    (0.33, 1.74)
    """
    table = check_features(features, min_rows=4)
    n, d = table.shape
    given = check_labels(labels, n)
    strength = check_positive(strength, "strength")
    trivial = _scale(scale, d)
    n_permutations = check_count(n_permutations, "n_permutations", minimum=0)
    n_draws = check_count(n_draws, "n_draws", minimum=0)
    level, rng = check_share(level, "level"), generator(random_state)
    cautions = feature_cautions(features) + label_cautions(given)
    codes, n_classes = given.codes, given.n_classes
    if n_classes == 1:
        reason = Caution("one class", "All labels are of one class: no head is needed.")
        return Task2VecResult(
            value=None, reason=reason, n_rows=n, cautions=cautions, embedding=None, scale=trivial
        )

    embedding = _fisher(table, codes, n_classes, strength)
    value = float(embedding.sum())
    return Task2VecResult(
        value=value,
        chance=chance_level(
            lambda order: float(_fisher(table, codes[order], n_classes, strength).sum()), n,
            n_permutations=n_permutations, rng=rng,
        ),
        interval=score_interval(
            lambda rows: float(_fisher(table[rows], codes[rows], n_classes, strength).sum()), n,
            value, level=level, n_draws=n_draws, rng=rng, strata=codes, low=0.0,
        ),
        n_rows=n,
        cautions=cautions,
        embedding=embedding,
        scale=trivial,
    )  # fmt: skip


def _fisher(table: Floats, codes: Ints, n_classes: int, strength: float) -> Floats:
    """Return the diagonal Fisher information of a fitted head, mean over classes, shape (d,)."""
    factor = math.sqrt(float(table.var(axis=0).mean())) or 1.0
    axes = principal_axes(table / factor)
    head = fit_head(axes.places, axes.squares, codes, n_classes, 1 / (strength * len(table)))
    share = head.probabilities(axes.places)
    return np.asarray((share * (1 - share)).mean(axis=1) @ table**2 / len(table))


def _scale(scale: float | ArrayLike, d: int) -> Floats:
    found = as_float(scale, "scale")
    if found.shape not in ((), (d,)) or not (np.isfinite(found) & (found > 0)).all():
        raise ValueError(
            f"`scale` must be a positive number, or {d} of them, got shape {found.shape}."
        )
    return np.broadcast_to(found, (d,)).copy()


# --- distances


@register(
    family="transferability", units="distance", range=(-math.inf, math.inf),
    direction="larger means less alike", cost="O(d)", inputs="other",
    invariances=("column order",), min_rows=1,
)  # fmt: skip
def task2vec_distance(
    first: Task2VecResult | ArrayLike,
    second: Task2VecResult | ArrayLike,
    *,
    distance: Task2VecDistance = "cosine",
    scale: float | ArrayLike = 1.0,
    asymmetric: float | None = None,
    floor: float = 1e-8,
) -> Task2VecDistanceResult:
    r"""Compare two tasks by their embeddings.

    Parameters
    ----------
    first, second : Task2VecResult, or array of shape (d,)
        Embeddings of the source's and the target's task, not negative.
    distance : str
        Of the embeddings h, h' with variances v = 1/h:

        - "cosine": 1 less the cosine of h/(h + h') and h'/(h + h'), the paper's.
        - "normalized_cosine": the same of the variances times their ``scale``.
        - "correlation": 1 less Pearson's correlation of the variances.
        - "kl": larger of the two Kullback-Leibler divergences of N(0, v) and N(0, v'), by column.
        - "asymmetric_kl": that of the first from the second.
        - "jsd": mean over columns of the divergences from N(0, (v + v')/2), averaged.
        - "entropy": log 2 less the mean binary entropy of h/(h + h').
    scale : float or array of shape (d,)
        Of embeddings given as arrays; results carry their own.
    asymmetric : float, optional
        Times the distance of the first task from the trivial one, taken off the value: of two
        sources equally far from a target, the more complex one is preferred. The paper has 0.15.
    floor : float
        Added to h + h' before dividing, as the authors do.

    Returns
    -------
    Task2VecDistanceResult
        Smaller is closer; at least 0 but for rounding, unless ``asymmetric``. No value where the
        formula has none: an unused column on one side only has an infinite variance.

    Notes
    -----
    Columns unused on both sides (dead units) are left out, and said to be. There is no chance
    level: shuffling the labels of one side belongs before the embedding.

    A distance of embeddings sees which columns tasks use, not how: it is blind to what labels are
    called, and to a reversed meaning.

    References
    ----------
    Achille et al. (2019), Task2Vec: Task Embedding for Meta-Learning, ICCV.

    Examples
    --------
    >>> import numpy as np
    >>> first, second = np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 1.0])
    >>> round(task2vec_distance(first, second).value, 3)
    0.111
    >>> round(task2vec_distance(first, second, distance="kl").value, 3)
    0.451
    """
    check_choice(distance, "distance", get_args(Task2VecDistance))
    h, own = _embedding(first, "first", scale)
    other, other_scale = _embedding(second, "second", scale)
    if h.shape != other.shape:
        raise ValueError(
            f"`second` has {len(other)} entries, `first` has {len(h)}; embed both tasks with the "
            "same columns."
        )
    used = (h > 0) | (other > 0)
    cautions: tuple[Caution, ...] = ()
    if not used.all():
        cautions = (Caution(
            "constant columns", f"{int((~used).sum())} of {len(h)} columns are used by neither "
            "task and left out.",
        ),)  # fmt: skip
    sides = (h[used], own[used]), (other[used], other_scale[used])
    symmetric = _distance(*sides, distance, floor)
    trivial = None
    if asymmetric is not None and symmetric is not None:
        trivial = _distance(sides[0], (own[used], own[used]), distance, floor)
    defined = symmetric is not None and (asymmetric is None or trivial is not None)
    value = symmetric
    if asymmetric is not None and symmetric is not None and trivial is not None:
        value = symmetric - asymmetric * trivial
    return Task2VecDistanceResult(
        value=value if defined else None,
        reason=None if defined else Caution(
            "not defined", "A column is used by one task only, or none varies: there is no "
            f'"{distance}" distance; take "cosine".',
        ),
        n_rows=len(h),
        cautions=cautions,
        larger_is_better=False,
        symmetric_value=symmetric,
        to_trivial=trivial,
    )  # fmt: skip


def _embedding(
    given: Task2VecResult | ArrayLike, name: str, scale: float | ArrayLike
) -> tuple[Floats, Floats]:
    if isinstance(given, Task2VecResult):
        if given.embedding is None:
            raise ValueError(f"`{name}` has no embedding: {given.reason}")
        return given.embedding, given.scale
    found = as_float(given, name)
    if found.ndim != 1 or not len(found):
        raise ValueError(f"`{name}` must be an embedding of shape (d,), got shape {found.shape}.")
    if not (np.isfinite(found) & (found >= 0)).all():
        raise ValueError(f"`{name}` must hold finite Fisher information, at least 0.")
    return found, _scale(scale, len(found))


Side: TypeAlias = tuple[Floats, Floats]


def _distance(one: Side, two: Side, distance: str, floor: float) -> float | None:
    if not len(one[0]):
        return None
    with np.errstate(divide="ignore", invalid="ignore"):
        found = _DISTANCES[distance](*one, *two, floor)
    return found if math.isfinite(found) else None


def _cosine(one: Floats, two: Floats) -> float:
    return float(1 - one @ two / np.sqrt((one @ one) * (two @ two)))


def _divergence(variance: Floats, reference: Floats) -> Floats:
    """Return KL(N(0, variance) from N(0, reference)) by column."""
    ratio = variance / reference
    return np.asarray((ratio - 1 - np.log(ratio)) / 2)


def _scaled_cosine(h: Floats, s: Floats, k: Floats, t: Floats, floor: float) -> float:
    whole = h + k + floor
    return _cosine(h / whole, k / whole)


def _normalized_cosine(h: Floats, s: Floats, k: Floats, t: Floats, floor: float) -> float:
    return _cosine(s / h, t / k)


def _correlation(h: Floats, s: Floats, k: Floats, t: Floats, floor: float) -> float:
    one, two = 1 / h, 1 / k
    return _cosine(one - one.mean(), two - two.mean())


def _kl(h: Floats, s: Floats, k: Floats, t: Floats, floor: float) -> float:
    return float(np.maximum(_divergence(1 / h, 1 / k), _divergence(1 / k, 1 / h)).sum())


def _asymmetric_kl(h: Floats, s: Floats, k: Floats, t: Floats, floor: float) -> float:
    return float(_divergence(1 / h, 1 / k).sum())


def _jsd(h: Floats, s: Floats, k: Floats, t: Floats, floor: float) -> float:
    middle = (1 / h + 1 / k) / 2
    return float((_divergence(1 / h, middle) + _divergence(1 / k, middle)).mean() / 2)


def _entropy(h: Floats, s: Floats, k: Floats, t: Floats, floor: float) -> float:
    from scipy.special import entr

    share = h / (h + k + floor)
    return float(np.log(2) - (entr(share) + entr(1 - share)).mean())


_DISTANCES: dict[str, Callable[[Floats, Floats, Floats, Floats, float], float]] = {
    "cosine": _scaled_cosine,
    "normalized_cosine": _normalized_cosine,
    "correlation": _correlation,
    "kl": _kl,
    "asymmetric_kl": _asymmetric_kl,
    "jsd": _jsd,
    "entropy": _entropy,
}
