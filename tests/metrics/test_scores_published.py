"""Published tables come out again: Taskonomy by DDS and RSA, layers of BERT, Model Spider.

The tables are made by `benchmarks/published_tables.py`, which also prints them. The stored data
they are made of are not part of the project.
"""

from __future__ import annotations

import importlib.util
import json
import math
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data" / "outcomes"
REFERENCE = Path(__file__).parent / "reference_scores" / "similarity" / "values.json"


@pytest.fixture(scope="module")
def tables():
    """Return the benchmark as a module; its folder need not be importable."""
    name = "published_tables_under_test"
    spec = importlib.util.spec_from_file_location(name, ROOT / "benchmarks" / "published_tables.py")
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    del sys.modules[name]


@pytest.fixture(scope="module")
def outcomes():
    if not (DATA / "taskonomy").is_dir():
        pytest.skip("the shared published outcomes lie beside the checkout, and are not here")
    return DATA


@pytest.fixture(scope="module")
def taskonomy(tables, outcomes):
    return tables.read_taskonomy(outcomes)


def numbers(cells):
    return {cell.what: cell.found for cell in cells}


def differing(cells):
    return {cell.what for cell in cells if cell.equal is False}


# --- Taskonomy


@pytest.mark.shared
def test_the_published_correlations_with_taskonomy_to_all_digits(tables, taskonomy):
    found = numbers(tables.taskonomy_table(taskonomy))
    for what, published in {
        "DDS, affinity, images 0-199": 0.8620242214532873,
        "DDS, wins, images 0-199": 0.8381203313797776,
        "RSA, affinity, images 0-199": 0.8572664359861593,
    }.items():
        assert found[what] == pytest.approx(published, abs=1e-12), what


@pytest.mark.shared
def test_the_correlations_without_the_target_among_its_own_sources(tables, taskonomy):
    """Nobody printed these; computed once from the same matrices by other code."""
    found = numbers(tables.taskonomy_table(taskonomy))
    for what, expected in {
        "DDS, affinity, images 0-199, without itself": 0.8365,
        "DDS, wins, images 0-199, without itself": 0.8040,
        "DDS, affinity, images 200-399": 0.8525,
        "DDS, wins, images 200-399": 0.8255,
        "RSA, wins, images 0-199": 0.8407,
    }.items():
        assert found[what] == pytest.approx(expected, abs=5.1e-5), what


@pytest.mark.shared
@pytest.mark.parametrize("name", ["by_dds", "by_rsa"])
def test_the_correlations_do_not_depend_on_the_order_of_the_images(tables, taskonomy, name):
    """What is compared are pairs of images; only mismatched images are no similarity."""
    similarity = getattr(tables, name)
    first, second = taskonomy.matrices["0_199"][:2]
    order = np.random.default_rng(0).permutation(len(first))
    moved = [side[np.ix_(order, order)] for side in (first, second)]
    assert similarity(*moved) == pytest.approx(similarity(first, second), abs=1e-12)
    assert abs(similarity(moved[0], second)) < 0.05 < similarity(first, second)


@pytest.mark.shared
def test_a_threshold_on_similarity_holds_within_a_target_but_not_across(tables, taskonomy):
    """Which transfers lose to training from scratch; computed once by other code."""
    found = numbers(tables.negative_transfer_table(taskonomy))
    for stage, (within, pooled, fewer, ranked) in {
        "all data": (0.89, 0.70, 0.70, 0.835),
        "16k images": (0.89, 0.69, 0.68, 0.813),
        "1k images": (0.89, 0.68, 0.67, 0.781),
    }.items():
        (inside,) = (v for what, v in found.items() if what.startswith(f"{stage}, within"))
        assert inside == pytest.approx(within, abs=5.1e-3)
        assert found[f"{stage}, one threshold for all"] == pytest.approx(pooled, abs=5.1e-3)
        assert found[f"{stage}, one threshold, 12 targets"] == pytest.approx(fewer, abs=5.1e-3)
        assert found[f"{stage}, rank in the target, 12 targets"] == pytest.approx(
            ranked, abs=5.1e-4
        )


# --- layers of BERT, Model Spider


@pytest.mark.shared
def test_the_published_layers_of_bert(tables, outcomes):
    found = list(tables.ding_table(outcomes))
    assert len(found) == 6
    assert differing(found) == set()


@pytest.mark.shared
def test_the_published_table_of_model_spider(tables, outcomes):
    """69 of 72 cells; the published scores of the other three are not those of the table."""
    found = list(tables.spider_table(outcomes))
    assert len(found) == 81
    assert differing(found) == {", ".join(key) for key in tables.SPIDER_DIFFERS}
    values = numbers(found)
    for name, expected in {"LEEP": 0.221, "LogME": 0.552, "NLEEP": -0.766}.items():
        assert values[f"{name}, Aircraft"] == pytest.approx(expected, abs=5.1e-4)


def test_the_published_means_of_model_spider_are_those_of_its_cells(tables):
    for name, (*cells, mean) in tables.SPIDER.items():
        assert len(cells) == len(tables.SETS)
        assert mean == pytest.approx(math.fsum(cells) / len(cells), abs=5.1e-4), name


# --- the example of Kornblith et al.


def test_the_published_example_of_kornblith(tables):
    found = list(tables.kornblith_table())
    assert sum(cell.published is not None for cell in found) == 4
    assert differing(found) == set()


@pytest.mark.parametrize(
    ("what", "key"),
    [
        ("linear CKA", "linear_cka"),
        ("rbf CKA", "rbf_cka_0.5"),
        ("debiased linear CKA", "linear_cka_debiased"),
    ],
)
def test_the_example_of_kornblith_to_all_digits(tables, what, key):
    expected = json.loads(REFERENCE.read_text(encoding="utf-8"))["google_demo_seed1337"][key]
    assert numbers(tables.kornblith_table())[what] == pytest.approx(expected, rel=1e-12)


# --- the page itself


def test_a_cell_is_equal_when_it_rounds_to_what_was_printed(tables):
    def cell(found, published=0.574):
        return tables.Cell("table", "what", found, published)

    assert cell(0.57449).equal is True
    assert cell(0.5746).equal is False
    assert cell(math.nan).equal is False
    assert cell(0.5, None).equal is None


def test_the_page_counts_equal_numbers_and_shows_the_others(tables):
    page = tables.page(list(tables.kornblith_table()))
    assert page.count("| equal |") == 4
    assert page.endswith("4 of 4 published numbers are equal.")
    wrong = tables.page([tables.Cell("table", "what", 0.5, 0.6, remark="why")])
    assert "| what | 0.600 | 0.500 | differs | why |" in wrong
    assert wrong.endswith("0 of 1 published numbers are equal.")
