"""The predictor: how it is fitted on the measured transfers, and how it is judged."""
