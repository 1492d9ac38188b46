"""What harm costs where nobody says otherwise; kept apart so that ``--help`` loads nothing else."""

HARM_COST = 3.0
"""How many times a harm counts against a gain of the same size, when strategies are compared."""
