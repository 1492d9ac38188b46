"""Promises of the one encoder."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from negtransfer import Domain, InputError
from negtransfer.diagnostics.domain import align

NUMBER = st.one_of(
    st.none(),
    st.integers(-5, 5).map(float),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([1e300, -1e300, 1e-300, 5e-324, 1.7e308]),
)
WORD = st.one_of(st.none(), st.sampled_from(["u", "v", "w", "", "1", "<b>"]), st.text(max_size=3))
COLUMNS = {"n": NUMBER, "m": NUMBER, "c": WORD, "b": st.sampled_from([True, False, None])}


@st.composite
def _tables(draw):
    """Return columns of a source and a target."""
    sizes = draw(st.tuples(st.integers(1, 12), st.integers(1, 12)))
    return [
        {n: draw(st.lists(s, min_size=k, max_size=k)) for n, s in COLUMNS.items()} for k in sizes
    ]


def _align(source, target, **labels):
    """Align two tables; what the door refuses is no matter of the encoder's."""
    try:
        return align(
            Domain.load(source, name="s", y=labels.get("source_y")),
            Domain.load(target, name="t", y=labels.get("target_y")),
            keep_shared_rows=True,
        )
    except InputError:
        return None


@settings(max_examples=50, derandomize=True, deadline=None)
@given(_tables())
def test_finite_centred_and_of_comparable_weight(tables):
    pair = _align(*tables)
    if pair is None:
        return
    X = np.vstack([pair.source.X, pair.target.X])
    assert np.isfinite(X).all()
    assert X.shape[1] == len(pair.encoded_names) == len(pair.encoded_column)
    np.testing.assert_allclose(X.mean(axis=0), 0.0, atol=1e-9)
    variance = np.square(X).mean(axis=0)
    for i, column in enumerate(pair.columns):
        own = variance[pair.encoded_column == i]
        if column.levels is not None:
            assert own.sum() == pytest.approx(1.0)
        else:
            np.testing.assert_allclose(own, 1.0, rtol=1e-9)


@settings(max_examples=40, derandomize=True, deadline=None)
@given(_tables(), st.randoms(use_true_random=False))
def test_the_order_of_rows_and_of_sides_does_not_matter(tables, random):
    pair = _align(*tables)
    if pair is None:
        return
    order = list(range(len(tables[0]["n"])))
    random.shuffle(order)
    shuffled = _align({n: [v[i] for i in order] for n, v in tables[0].items()}, tables[1])
    np.testing.assert_allclose(shuffled.source.X, pair.source.X[order], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(shuffled.target.X, pair.target.X, rtol=1e-9, atol=1e-9)
    swapped = _align(tables[1], tables[0])
    assert swapped.encoded_names == pair.encoded_names
    np.testing.assert_allclose(swapped.target.X, pair.source.X, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(swapped.source.X, pair.target.X, rtol=1e-9, atol=1e-9)


@settings(max_examples=25, derandomize=True, deadline=None)
@given(_tables(), st.integers(0, 2**32 - 1))
def test_blind_to_labels(tables, seed):
    pair = _align(*tables)
    if pair is None:
        return
    rng = np.random.default_rng(seed)
    labels = {
        f"{side}_y": rng.choice(["p", "q", "r"], len(t["n"]))
        for side, t in zip(("source", "target"), tables, strict=True)
    }
    labelled = _align(*tables, **labels)
    if labelled is None:  # one class only
        return
    np.testing.assert_array_equal(labelled.source.X, pair.source.X)
    np.testing.assert_array_equal(labelled.target.X, pair.target.X)


def test_blind_to_the_domain():
    """Moving rows from one side to the other changes no row's code."""
    rng = np.random.default_rng(1)
    data = {"a": rng.normal(size=40), "c": rng.choice(["u", "v", "w"], 40)}
    first, second = (
        align(
            Domain.load({n: v[:k] for n, v in data.items()}),
            Domain.load({n: v[k:] for n, v in data.items()}),
        )
        for k in (10, 30)
    )
    np.testing.assert_allclose(
        np.vstack([first.source.X, first.target.X]),
        np.vstack([second.source.X, second.target.X]),
        atol=1e-12,
    )


def test_numbers_by_hand():
    pair = align(Domain.load({"a": [1.0, None]}), Domain.load({"a": [3.0, 8.0]}))
    assert pair.encoded_names == ("a", "a is missing")
    pooled = np.array([1.0, 3.0, 3.0, 8.0])  # the pooled median where nothing stands
    expected = (pooled - pooled.mean()) / pooled.std()
    gap = (np.array([0, 1, 0, 0]) - 0.25) / np.sqrt(0.25 * 0.75)
    found = np.vstack([pair.source.X, pair.target.X])
    np.testing.assert_allclose(found, np.column_stack([expected, gap]), atol=1e-12)


def test_categories_by_hand():
    pair = align(Domain.load({"c": ["u", "v"]}), Domain.load({"c": ["u", None]}))
    assert pair.encoded_names == ("c=u", "c=v", "c is missing")
    hot = np.array([[1, 0, 0], [0, 1, 0], [1, 0, 0], [0, 0, 1]], float)
    share = hot.mean(axis=0)
    expected = (hot - share) / np.sqrt(1 - np.square(share).sum())
    np.testing.assert_allclose(np.vstack([pair.source.X, pair.target.X]), expected, atol=1e-12)


def test_rare_levels_fall_together():
    words = [f"l{i:03}" for i in range(200) for _ in range(2 + (i >= 170))]
    pair = align(Domain.load({"c": words}), Domain.load({"c": words}))
    assert len(pair.encoded_names) == 31
    assert pair.encoded_names[:2] == ("c=l170", "c=l171")
    assert pair.encoded_names[-1] == "c is another value"
    assert pair.columns[0].levels is not None
    assert len(pair.columns[0].levels) == 200


@pytest.mark.parametrize("size", [1e300, 1.0, 1e-300])
@pytest.mark.parametrize("shift", [0.0, 1.0])
def test_magnitude_does_not_matter(size, shift):
    plain = np.array([1.0, 2.0, 4.0, 8.0]) + shift
    expected = (plain - plain.mean()) / plain.std()
    pair = align(Domain.load({"a": plain[:2] * size}), Domain.load({"a": plain[2:] * size}))
    found = np.vstack([pair.source.X, pair.target.X])[:, 0]
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_a_large_offset_keeps_its_digits():
    plain = np.array([0.0, 1.0, 2.0, 5.0])
    pair = align(Domain.load({"a": plain[:2] + 1e12}), Domain.load({"a": plain[2:] + 1e12}))
    expected = (plain - plain.mean()) / plain.std()
    found = np.vstack([pair.source.X, pair.target.X])[:, 0]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_the_encoder_is_deterministic():
    rng = np.random.default_rng(2)
    data = {"a": rng.normal(size=50), "c": rng.choice(list("uvwxyz"), 50)}
    one, other = (align(Domain.load(data), Domain.load(data)) for _ in range(2))
    assert one.source.X.tobytes() == other.source.X.tobytes()
