"""What transfer really does: every strategy against the target alone, on real pairs of domains."""
