"""From evidence to a predictive distribution of the gap, fitted on measured transfers."""
