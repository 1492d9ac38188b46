"""Pretrained models as sources: which one, from which layer, how adapted, or none at all."""
