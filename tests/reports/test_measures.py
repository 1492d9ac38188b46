"""Pictures of many measures, and of what moved."""

import pytest

from negtransfer.diagnostics.document import MeasureInfo, NullReference
from negtransfer.reports import render_html
from negtransfer.reports.figures import components_plot, measures_plot


def measure(value, low=-1.0, middle=0.0, high=1.0, **more):
    null = NullReference(
        source_quantiles=[low, middle, high], target_quantiles=None, n_splits=10, percentile=50
    )
    return MeasureInfo(
        name="energy_distance", family="kernel", summary="S.", units="u",
        direction="larger means further apart", value=value, null=null, n_source=9, n_target=9,
        **more,
    )  # fmt: skip


def test_every_measure_lies_on_the_scale_of_its_own_chance():
    """The same place for 5 of 1 and for 0.005 of 0.001."""
    rows = measures_plot([measure(5.0), measure(0.005, -0.001, 0.0, 0.001)]).rows
    assert rows[0].value == rows[1].value
    assert rows[0].times == rows[1].times == "5 times the reach of chance"


def test_chance_lies_left_of_the_line_and_more_lies_right():
    plot = measures_plot([measure(0.5), measure(2.0), measure(2000.0)])
    places = [row.value for row in plot.rows]
    assert plot.zero < places[0] < plot.one < places[1] < places[2]
    assert plot.rows[0].times == "within chance"
    assert {"0", "1"} <= {tick.label for tick in plot.ticks}


def test_a_measure_without_null_has_numbers_and_no_place():
    plot = measures_plot([measure(2.0), measure(2.0, 1.0, 1.0, 1.0)])
    assert plot.rows[1].value is None
    assert plot.rows[1].value_words == "2"
    assert measures_plot([measure(2.0, 1.0, 1.0, 1.0)]) is None
    assert measures_plot([]) is None


def test_bars_grow_from_zero_and_only_what_moved_is_filled(diagnoses):
    found = next(c for c in diagnoses["do-not-transfer"].checks if c.id == "NT304")
    plot = components_plot(found.components)
    moved = {row.name for row in plot.rows if row.moved}
    assert moved == {"P(Y|X)", "P(X,Y)"}
    lengths = {row.name: row.end - row.start for row in plot.rows}
    assert min(lengths[name] for name in moved) > 10 * max(
        length for name, length in lengths.items() if name not in moved
    )
    assert all(row.start <= plot.zero <= row.end for row in plot.rows)


@pytest.mark.parametrize("label", ["do-not-transfer", "transfer"])
def test_the_page_has_both_pictures_and_their_numbers(diagnoses, label):
    html = render_html(diagnoses[label])
    assert html.count('class="measures"') == html.count('class="components"') == 1
    assert html.count('class="bar moved"') == (2 if label == "do-not-transfer" else 0)
    assert "Too few rows." in html
    for words in ("sliced Wasserstein", "Fréchet distance", "P(Y|X)"):
        assert words in html


def test_without_target_labels_there_is_no_picture_of_what_moved(diagnoses):
    html = render_html(diagnoses["not-enough-evidence"])
    assert 'class="components"' not in html
    assert 'class="measures"' in html
