"""What the words of the report mean, for readers who meet them here first."""

from __future__ import annotations

VERDICT_MEANINGS = {
    "transfer": "using the source as it is should help on the target, or at least not hurt",
    "transfer-with-adaptation": "the source helps only if it is adapted: use the named strategy",
    "caution": "gain and harm are both possible: do not rely on transfer without watching it",
    "do-not-transfer": "training on the target alone should do better than using the source",
    "not-enough-evidence": "the data cannot answer the question yet; nothing was found safe",
}

GLOSSARY = (
    (
        "Negative transfer",
        "A model that was given the source does worse on the target than one that never saw it.",
    ),
    (
        "Gap",
        "Error with transfer minus error of the target-only model, on target rows. Above zero, "
        "transfer hurts; below zero, it helps. It always belongs to one learner, one strategy "
        "and one number of target labels.",
    ),
    (
        "Predicted gap",
        "The gap as a model tells it from the pilot, having learned from transfers whose outcome "
        "was measured how far such pilots can be believed. Where the model does not speak, the "
        "pilot alone gives the gap.",
    ),
    (
        "Calibrated range",
        "The sizes, errors and kinds of learner that the measured transfers cover. Outside it a "
        "prediction is an extrapolation: its interval is widened and holds that of the pilot "
        "alone, and the verdict is no better than caution.",
    ),
    (
        "Contribution",
        "What one group of evidence adds to a predicted gap. Contributions add up to it.",
    ),
    (
        "Learner not tried",
        "One whose gap is predicted from the pilot of a cheaper learner, by a model that learned "
        "from transfers measured with both how far the one speaks for the other.",
    ),
    (
        "Expected loss",
        "The gap to expect, harm counted several times as heavily as gain. The strategy with the "
        "least one is chosen.",
    ),
    (
        "Break-even",
        "The number of target labels beyond which transfer no longer helps, because the model "
        "trained on the target alone has caught up.",
    ),
    (
        "Interval",
        "The range that holds the true value with the stated probability, given the rows at hand. "
        "A wide interval means few rows, not a small effect.",
    ),
    ("p_harm", "The probability that the gap is above zero, that is, that transfer hurts."),
    (
        "Margin",
        "The smallest gap that matters to you. Clear harm is a gap above the margin, clear gain "
        "one below minus the margin.",
    ),
    (
        "Null reference",
        "The same number where nothing differs: the source split into random halves, and the "
        "target likewise. A value inside this range is what chance alone gives.",
    ),
    ("Target-only", "Train on the labelled target rows alone. The baseline of every gap."),
    ("Source-only", "Train on the source alone, use the model on the target as it is."),
    ("Pooled", "Train on source and labelled target rows together, every row counted once."),
    (
        "Pooled, equal weight",
        "As pooled, with the rows weighted so that both sides count the same in total.",
    ),
    (
        "Source, recalibrated",
        "Train on the source, then fit only a small correction of its output on target labels.",
    ),
    ("Learner", "The kind of model the pilot trained; what exactly is listed with the settings."),
    (
        "Pilot",
        "The strategies tried in small on the labelled rows given, on the same folds, so that "
        "their losses can be compared row by row.",
    ),
    (
        "Covariate shift",
        "The columns are distributed differently on the two sides; what a label means is the same.",
    ),
    (
        "Concept shift",
        "The same columns lead to another label on the target. Only target labels can show it.",
    ),
    (
        "Effect of a column",
        "Numeric: Wasserstein-1 distance in pooled interquartile ranges (1 = moved by one "
        "interquartile range). Categorical: total variation distance, 0 to 1.",
    ),
    (
        "Shifted column",
        "Its difference stays convincing after correction for the number of columns looked at "
        "(Benjamini-Hochberg).",
    ),
)

MODEL_VERDICT_MEANINGS = {
    "transfer": "the model named should help as it is, its layers frozen",
    "transfer-with-adaptation": "the model named should help; train some of its layers as said",
    "caution": "gain and harm are both possible, or the gain is not owed to the model's training",
    "do-not-transfer": "even the model ranked first does worse than the raw inputs",
    "not-enough-evidence": "the rows at hand cannot say whether any of the models helps",
}

MODEL_GLOSSARY = (
    (
        "Negative transfer",
        "A model on top of pretrained features does worse than the same model on the raw inputs.",
    ),
    (
        "Candidate",
        "One pretrained model. It is used as it is: rows go in, the numbers of a layer come out.",
    ),
    (
        "Linear probe",
        "A linear model trained on the numbers of one layer and judged on rows held out. It says "
        "how much of the label lies open in that layer.",
    ),
    ("Raw inputs", "The same linear model on the rows themselves, with no pretrained model."),
    (
        "Gap",
        "Error with the candidate less error without it. Above zero the candidate hurts, below "
        "zero it helps. It belongs to linear probes and to the number of labels stated.",
    ),
    (
        "Combined error",
        "What to expect of the candidate's best layer, the probe's error and the scores put "
        "together as said beside the picture.",
    ),
    (
        "Interval",
        "The range that holds the true value with the stated probability, given the rows at hand. "
        "A wide interval means few rows.",
    ),
    (
        "Rank interval",
        "The places a candidate may hold, given the rows at hand. Overlapping ones say that the "
        "order is not settled.",
    ),
    (
        "Bracket",
        "Joins candidates of which no two can be told apart. Among them choose by size or cost.",
    ),
    (
        "Untrained copy",
        "The same architecture with random weights. What it reaches too is not owed to training.",
    ),
    (
        "Transferability score",
        "A number computed from features and labels that goes with how well a model transfers. "
        "Drawn from 0, what shuffled labels give, to 1, the best there can be.",
    ),
    (
        "Label-only",
        "A score that cannot see whether labels mean what they meant where the model was trained. "
        "It is never the only evidence.",
    ),
    (
        "CKA",
        "Centred kernel alignment: how alike two sets of numbers arrange the same rows, from 0 to "
        "1. Corrected for the number of rows; it can fall a little below 0 by chance.",
    ),
    (
        "Apart",
        "In this layer source rows and target rows lie further apart than random halves do, after "
        "correction for the number of layers looked at (Holm).",
    ),
    ("p_harm", "The probability that the gap is above zero, that is, that the candidate hurts."),
    ("Margin", "The smallest gap that matters to you."),
)
