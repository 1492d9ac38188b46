"""Pixels made fewer: averages of areas, and pictures of another size."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_NUMBERS = 1024


def grid(shape: tuple[int, ...], most: int = MOST_NUMBERS) -> tuple[int, int]:
    """Return rows and columns of the grid that leaves an image at most `most` numbers.

    Parameters
    ----------
    shape : tuple of int
        Height, width and channels.
    most : int

    Returns
    -------
    tuple of int
        Of about the image's proportions, and never larger than the image.
    """
    height, width, channels = shape
    shrink = max(1.0, math.sqrt(height * width * channels / most))
    rows = max(1, min(int(height / shrink), most // channels))
    return rows, max(1, min(int(width / shrink), most // (channels * rows)))


def area_average(images: NDArray[Any], shape: tuple[int, int]) -> NDArray[np.float32]:
    """Return images on a coarser grid, each cell the mean over the area it covers.

    Parameters
    ----------
    images : ndarray of shape (n, height, width, channels)
        uint8 counts from 0 to 1 afterwards; floats keep their scale.
    shape : tuple of int
        Rows and columns of the grid.

    Returns
    -------
    ndarray of float32, shape (n, rows, columns, channels)
    """
    down = _shares(images.shape[1], shape[0])
    across = _shares(images.shape[2], shape[1])
    scale = 1 / 255 if images.dtype == np.uint8 else 1.0
    pixels = images.astype(np.float32)
    half = np.einsum("ih,nhwc->niwc", down, pixels, optimize=True)
    small: NDArray[np.float32] = np.einsum("jw,niwc->nijc", across, half, optimize=True)
    return small * np.float32(scale)


def _shares(n: int, cells: int) -> NDArray[np.float32]:
    """Return which share of each cell each pixel fills, shape (cells, n); rows add up to 1."""
    edges = np.linspace(0.0, n, cells + 1)
    pixel = np.arange(n)
    overlap = np.minimum(edges[1:, None], pixel + 1) - np.maximum(edges[:-1, None], pixel)
    filled = np.clip(overlap, 0.0, None)
    shares: NDArray[np.float32] = (filled / filled.sum(axis=1, keepdims=True)).astype(np.float32)
    return shares


def resized(images: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    """Return images of another height and width, bilinear and without aliasing."""
    if images.shape[1:3] == size:
        return images
    import torch

    channels_first = torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2).float()
    scaled = torch.nn.functional.interpolate(
        channels_first, size=size, mode="bilinear", antialias=True, align_corners=False
    )
    if images.dtype == np.uint8:
        scaled = scaled.round().clamp(0, 255).to(torch.uint8)
    found: NDArray[Any] = np.ascontiguousarray(scaled.permute(0, 2, 3, 1).numpy())
    return found
