"""Domains, checks, pilot, gap, strategies, verdict and the command line."""
