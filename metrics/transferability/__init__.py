"""Transferability: how well a representation, or a source model, serves a target's labels."""

__all__: list[str] = []
