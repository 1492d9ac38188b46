"""Pictures as coordinates: what the templates draw, and the words that say the same.

Every picture has a `title` and a `desc` that states the finding.  The source is blue and a
line, the target orange and hatched, everywhere.
"""

from ._check_figures import forest_row
from ._column_figures import feature_words, histogram
from ._gap_figures import StrategyRow, chance_bar, gap_axis, gap_bar
from ._label_figures import counts_plot, matrices, shares_plot
from ._layer_figures import layer_strip, strips
from ._measure_figures import components_plot, measures_plot
from ._model_figures import ranking_plot, score_panels

__all__ = [
    "StrategyRow",
    "chance_bar",
    "components_plot",
    "counts_plot",
    "feature_words",
    "forest_row",
    "gap_axis",
    "gap_bar",
    "histogram",
    "layer_strip",
    "matrices",
    "measures_plot",
    "ranking_plot",
    "score_panels",
    "shares_plot",
    "strips",
]
