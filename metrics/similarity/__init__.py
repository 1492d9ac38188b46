"""Similarity of two representations of the same rows."""

__all__: list[str] = []
