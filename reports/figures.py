"""Pictures as coordinates: what the templates draw, and the words that say the same.

Every picture has a `title` and a `desc` that states the finding.  The source is blue and a
line, the target orange and hatched, everywhere.
"""

from ._check_figures import forest_row
from ._column_figures import feature_words, histogram
from ._contribution_figures import contribution_plot
from ._fragile_figures import rerun_strip
from ._gap_figures import StrategyRow, beside, chance_bar, gap_axis, gap_bar, side_lines
from ._label_figures import counts_plot, matrices, shares_plot
from ._layer_figures import layer_strip, strips
from ._measure_figures import components_plot, measures_plot
from ._model_figures import ranking_plot, score_panels
from ._outlook_figures import label_rows, outlook_plot
from ._reference_figures import case_rows, reference_plot

__all__ = [
    "StrategyRow",
    "beside",
    "case_rows",
    "chance_bar",
    "components_plot",
    "contribution_plot",
    "counts_plot",
    "feature_words",
    "forest_row",
    "gap_axis",
    "gap_bar",
    "histogram",
    "label_rows",
    "layer_strip",
    "matrices",
    "measures_plot",
    "outlook_plot",
    "ranking_plot",
    "reference_plot",
    "rerun_strip",
    "score_panels",
    "shares_plot",
    "side_lines",
    "strips",
]
