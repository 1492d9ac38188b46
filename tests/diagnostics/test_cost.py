"""What the pilot cost: counted right, the same in every run, and told without a clock."""

import time

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from negtransfer import Domain, preflight
from negtransfer.diagnostics._progress import Reporter
from negtransfer.diagnostics.document import Cost
from negtransfer.diagnostics.domain import align
from negtransfer.diagnostics.learners import resolve_learners
from negtransfer.diagnostics.pilot import OWN_MODELS, resolve_metric, run_pilot
from negtransfer.diagnostics.strategies import chosen_strategies
from negtransfer.reports import render_html, render_text


class Witness(LogisticRegression):
    """Keeps its own record of the fits, to hold the count against."""

    seen: list = []  # noqa: RUF012  (one for all clones)

    def fit(self, X, y, sample_weight=None):
        Witness.seen.append(len(y))
        return super().fit(X, y, sample_weight)


def sides(n_source=120, n_target=40):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_source + n_target, 3))
    y = (X[:, 0] + rng.normal(size=len(X)) > 0).astype(int)
    return (X[:n_source], y[:n_source]), (X[n_source:], y[n_source:])


def pilot_of(learner, *, strategies="default", n_jobs=1, progress=None):
    (X, y), (X_t, y_t) = sides()
    pair = align(Domain.load(X, y=y, name="s"), Domain.load(X_t, y=y_t, name="t"))
    return run_pilot(
        pair, resolve_learners(learner, regression=False), resolve_metric(None, pair.task),
        strategies=chosen_strategies(strategies), budget=60.0, n_jobs=n_jobs, progress=progress,
    )  # fmt: skip


def test_the_count_is_what_the_learner_saw():
    Witness.seen.clear()
    work = pilot_of(Witness()).work
    assert work.fits == {"Witness": len(Witness.seen)}
    assert work.rows == {"Witness": sum(Witness.seen)}
    assert work.fits["Witness"] > 20


def test_the_count_does_not_depend_on_the_workers():
    names = "stacking,hypothesis-shrunk,pooled"
    one, two = (pilot_of("linear", strategies=names, n_jobs=jobs) for jobs in (1, 2))
    assert one.work == two.work
    assert one.work.fits[OWN_MODELS] == one.n_folds * one.n_repeats
    # each of these may learn from the source and all target rows but a fold
    assert one.work.rows[OWN_MODELS] == one.n_repeats * (120 * one.n_folds + 40 * (one.n_folds - 1))


@pytest.fixture(scope="module")
def result():
    source, target = sides()
    return preflight(source=source, target=target, learner="linear", budget=5.0, n_jobs=1)


def test_the_result_sets_it_beside_one_training(result):
    assert set(result.to_dict()["cost"]) == {
        "fits", "rows_fitted", "rows_full_training",
    }  # fmt: skip
    assert result.cost.rows_full_training == 160
    (fits,), (rows,) = result.cost.fits.values(), result.cost.rows_fitted.values()
    assert f"{fits} fits" in render_text(result)
    assert f"{rows:,} rows in all; one training with both: 160 rows" in render_text(result)
    page = " ".join(render_html(result).split())
    assert f"The pilot fitted {fits} models on {rows:,} rows in all" in page
    assert f"{rows / 160:.0f} times the 160 rows" in page


def test_without_a_pilot_there_is_no_cost():
    (X, y), (X_t, _) = sides()
    blind = preflight(source=(X, y), target=X_t, learner="linear", budget=5.0, n_jobs=1)
    assert blind.cost is None
    assert "Pilot cost" not in render_text(blind)


def test_older_documents_have_none(result):
    old = result.model_copy(update={"cost": None})
    assert "Pilot cost" not in render_text(old)
    assert "The pilot fitted" not in render_html(old)


def test_learners_are_told_apart(result):
    both = Cost(fits={"forest": 30, "linear": 40}, rows_fitted={"forest": 300, "linear": 400},
                rows_full_training=100)  # fmt: skip
    page = render_html(result.model_copy(update={"cost": both}))
    assert "70 models (forest 30, linear 40) on 700 rows in all" in page
    assert ": 7 times the 100 rows" in page


def test_the_progress_hears_of_one_fit_a_learner():
    class Ear:
        heard: list = []  # noqa: RUF012

        def __call__(self, stage, done, total):
            pass

        def fitted(self, learner, n_rows, seconds):
            self.heard.append((learner, n_rows, seconds > 0))

    pilot_of(["linear", "forest"], progress=Ear())
    assert Ear.heard == [("linear", 120, True), ("forest", 120, True)]


def test_seconds_are_told_on_standard_error_alone(monkeypatch, capsys):
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    with Reporter() as report:
        report.fitted("linear", 200, 0.5)
        report.took("linear", 1000)
        assert capsys.readouterr().err == ""  # under two seconds
        now[0] = 12.3
        report.took("linear", 1000)
        shown = capsys.readouterr()
        assert shown.out == ""
        assert shown.err == (
            "negtransfer: took 12 s; one training of linear on 1,000 rows about 2.5 s\n"
        )
        report.took(None, None)
        assert capsys.readouterr().err == "negtransfer: took 12 s\n"
    with Reporter(enabled=False) as report:
        now[0] = 60.0
        report.took("linear", 1000)
        assert capsys.readouterr().err == ""
