"""Pictures of many measures, and of what moved."""

import pytest

from negtransfer.diagnostics.document import Interval, MeasureInfo, NullReference
from negtransfer.diagnostics.measures import times_chance
from negtransfer.reports import render_html
from negtransfer.reports.figures import components_plot, measures_plot


def measure(value, low=-1.0, middle=0.0, high=1.0, **more):
    null = NullReference(
        source_quantiles=[low, middle, high], target_quantiles=None, n_splits=10, percentile=50
    )
    return MeasureInfo(
        name="energy_distance", family="kernel", summary="S.", units="u",
        direction="larger means further apart", value=value, null=null, n_source=9, n_target=9,
        times_chance=times_chance(value, None, null), **more,
    )  # fmt: skip


def test_the_scale_of_chance_from_both_sides():
    """Middle 1 of 0 and 2, larger 95 % point 5: a way of 4 from 1 on."""
    null = NullReference(
        source_quantiles=[-3.0, 0.0, 4.0], target_quantiles=[-1.0, 2.0, 5.0], n_splits=20,
        percentile=100,
    )  # fmt: skip
    interval = Interval(low=1.0, high=13.0, level=0.8, method="m")
    found = times_chance(9.0, interval, null)
    assert (found.value, found.interval, found.lowest) == (2.0, [0.0, 3.0], -1.0)
    assert times_chance(9.0, None, null).interval is None
    endless = Interval(low=1.0, high=float("inf"), level=0.8, method="m")
    assert times_chance(9.0, endless, null).interval is None
    assert times_chance(9.0, None, None) is None


def test_the_picture_takes_the_numbers_of_the_document_as_they_are():
    """Whatever value, interval and null say: nothing is worked out twice."""
    far = measure(2.0)
    odd = far.model_copy(update={"times_chance": far.times_chance.model_copy(update={"value": 7})})
    assert measures_plot([odd]).rows[0].times == "7 times the reach of chance"
    old = far.model_copy(update={"times_chance": None})  # as documents of schema 1.0 have it
    assert measures_plot([old]) is None


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
