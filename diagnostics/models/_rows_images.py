"""Images as rows: an array, or files in a folder that are decoded batch by batch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..domain._door import Door
from ..domain._words import count, short
from ._optional import optional
from ._pixels import area_average, grid, resized
from ._stores import BLOCK_BYTES

if TYPE_CHECKING:
    from numpy.typing import NDArray

DEFAULT_SIZE = (224, 224)
"""What images of different sizes are brought to, the habit of networks for photographs."""

Size = tuple[int, int]


@dataclass(frozen=True, slots=True, eq=False)
class ImageArray:
    """Images of shape (n, height, width, channels), uint8 or float."""

    array: NDArray[Any]
    size: Size | None

    def __len__(self) -> int:
        return len(self.array)

    def take(self, index: NDArray[np.int64]) -> NDArray[Any]:
        """Return images of shape (batch, height, width, channels), uint8 or float32."""
        batch = np.asarray(self.array[index])
        batch = batch if batch.dtype == np.uint8 else batch.astype(np.float32)
        return batch if self.size is None else resized(batch, self.size)

    def add_to(self, digest: Any) -> None:
        """Feed type, shape and pixels, block by block."""
        digest.update(f"{self.array.dtype.str} {self.array.shape} {self.size}".encode())
        for block in blocks(self.array):
            digest.update(np.ascontiguousarray(block).data)

    def raw(self, *others: Any) -> list[NDArray[np.float32]]:
        """Return area averages of the pixels, at most 1,024 numbers an image."""
        return _raw_pixels(self, *others)

    @property
    def raw_name(self) -> str:
        """What the raw inputs are, in words."""
        return _raw_name(self)


@dataclass(frozen=True, slots=True, eq=False)
class ImageFiles:
    """Image files, in this order, as RGB of one size."""

    paths: tuple[Path, ...]
    names: tuple[str, ...]
    size: Size
    door: Door

    def __len__(self) -> int:
        return len(self.paths)

    def take(self, index: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return decoded images of shape (batch, height, width, 3)."""
        return np.stack([self._decoded(int(i)) for i in index])

    def _decoded(self, i: int) -> NDArray[np.uint8]:
        pillow = optional("PIL.Image", "pillow", self.door)
        try:
            with pillow.open(self.paths[i]) as image:
                colour = image.convert("RGB")
            height, width = self.size
            if colour.size != (width, height):
                colour = colour.resize((width, height), pillow.Resampling.BILINEAR)
            return np.asarray(colour, dtype=np.uint8)
        except Exception as error:
            raise unreadable(self.names[i], error, self.door) from None

    def add_to(self, digest: Any) -> None:
        """Feed the bytes of every file, and the size they are brought to."""
        digest.update(f"images {self.size}".encode())
        for path, name in zip(self.paths, self.names, strict=True):
            try:
                data = path.read_bytes()
            except OSError as error:
                raise unreadable(name, error, self.door) from None
            digest.update(len(data).to_bytes(8, "little"))
            digest.update(data)

    def raw(self, *others: Any) -> list[NDArray[np.float32]]:
        """Return area averages of the pixels, at most 1,024 numbers an image."""
        return _raw_pixels(self, *others)

    @property
    def raw_name(self) -> str:
        """What the raw inputs are, in words."""
        return _raw_name(self)


def unreadable(name: str, error: Exception, door: Door) -> Exception:
    """Return the sentence on an image file that cannot be read."""
    kind = type(error).__name__
    why = "the image is too large" if "Bomb" in kind else "it is no image, or is damaged"
    if isinstance(error, PermissionError | FileNotFoundError):
        why = (error.strerror or kind).lower()
    return door.error(
        f"has the image file {short(name)}, which cannot be read ({why}); repair or remove it"
    )


def image_array(array: Any, size: Size | None, door: Door) -> ImageArray:
    """Check an array of images and bring it to four axes."""
    if array.ndim == 3:
        array = array[..., None]
    if array.ndim != 4:
        raise door.error(
            f"is an array of shape {array.shape}; give images of shape "
            "(rows, height, width, channels)"
        )
    if 0 in array.shape:
        raise door.error(f"is an array of shape {array.shape}, without any pixel; give images")
    if array.shape[3] not in (1, 3, 4):
        raise door.error(_channels(array.shape))
    return ImageArray(_pixels(array, door), size)


def _channels(shape: tuple[int, ...]) -> str:
    first = shape[1] in (1, 3, 4)
    return (
        f"is an array of shape {shape}, whose last axis is not 1, 3 or 4 channels; give images "
        "of shape (rows, height, width, channels)"
        + (" (transpose(0, 2, 3, 1) moves the channels there)" if first else "")
    )


def _pixels(array: NDArray[Any], door: Door) -> NDArray[Any]:
    """Return uint8 or float pixels; refuse what is neither a picture nor finite."""
    if array.dtype.kind == "b":
        return array.astype(np.uint8)
    if array.dtype.kind in "iu" and array.dtype != np.uint8:
        low, high = int(array.min()), int(array.max())
        if low < 0 or high > 255:
            raise door.error(
                f"has pixels from {low:,} to {high:,}; give integers from 0 to 255, or floats"
            )
        return array.astype(np.uint8)
    if array.dtype.kind not in "uf":
        raise door.error(f"has pixels of type {short(str(array.dtype))}; give uint8 or float")
    if array.dtype.kind == "f":
        for block in blocks(array):
            if not np.isfinite(block.astype(np.float32)).all():
                raise door.error("has pixels that are NaN or infinite; replace them by numbers")
    return array


def blocks(array: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """Yield an array in pieces of rows that fit in memory."""
    step = max(1, BLOCK_BYTES // max(1, array[:1].nbytes))
    for start in range(0, len(array), step):
        yield array[start : start + step]


def image_size(path: Path, name: str, door: Door) -> Size:
    """Return height and width from an image's header, without decoding it."""
    pillow = optional("PIL.Image", "pillow", door)
    try:
        with pillow.open(path) as image:
            width, height = image.size
    except Exception as error:
        raise unreadable(name, error, door) from None
    return height, width


def common_size(sizes: set[Size], wanted: Size | None, door: Door) -> Size:
    """Return the size all images are brought to: the one asked for, theirs, or the usual."""
    if wanted is not None:
        return wanted
    if len(sizes) == 1:
        return next(iter(sizes))
    door.note(
        f"has images of {count(len(sizes), 'size')}: all are brought to "
        f"{DEFAULT_SIZE[0]} x {DEFAULT_SIZE[1]} pixels; size= sets another"
    )
    return DEFAULT_SIZE


def _raw_pixels(store: Any, *others: Any) -> list[NDArray[np.float32]]:
    first = store.take(np.zeros(1, dtype=np.int64))
    shape = grid(first.shape[1:])
    return [_averaged(one, shape, first.shape[3]) for one in (store, *others)]


def _averaged(store: Any, shape: Size, channels: int) -> NDArray[np.float32]:
    n = len(store)
    out = np.empty((n, shape[0] * shape[1] * channels), dtype=np.float32)
    for start in range(0, n, 64):
        stop = min(start + 64, n)
        pixels = store.take(np.arange(start, stop))
        pixels = _as_channels(pixels, channels)
        out[start:stop] = area_average(pixels, shape).reshape(stop - start, -1)
    return out


def _as_channels(pixels: NDArray[Any], channels: int) -> NDArray[Any]:
    """Bring grey images beside coloured ones to as many channels, and the other way round."""
    if pixels.shape[3] == channels:
        return pixels
    grey = pixels[..., :3].mean(axis=3, keepdims=True, dtype=np.float32)
    if pixels.dtype == np.uint8:
        grey /= 255
    return np.repeat(grey, channels, axis=3)


def _raw_name(store: Any) -> str:
    first = store.take(np.zeros(1, dtype=np.int64))
    height, width = grid(first.shape[1:])
    return f"pixels, averaged to {height} x {width} x {first.shape[3]}"
