"""Published networks by name, loaded by the packages that know them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..domain._words import did_you_mean, short
from ._candidates import Candidate, hub_of
from ._doors import CandidateDoor
from ._optional import first_line, optional

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from ._probe_rows import Rows


@dataclass(frozen=True, slots=True)
class Normalised:
    """Images as a network was trained on them: of one size, with its mean and spread.

    Attributes
    ----------
    size : tuple of int
        Height and width.
    mean, std : tuple of float
        Of each channel, for pixels from 0 to 1.
    """

    size: tuple[int, int]
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __call__(self, batch: NDArray[Any]) -> Tensor:
        """Return images of shape (batch, channels, height, width)."""
        import torch

        from ._pixels import resized

        images = resized(batch, self.size)
        pixels = torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2)
        pixels = pixels.float() / 255 if images.dtype == np.uint8 else pixels.float()
        channels = len(self.mean)
        pixels = pixels[:, :channels] if pixels.shape[1] > channels else pixels
        pixels = pixels.expand(-1, channels, -1, -1)
        mean, std = torch.tensor(self.mean), torch.tensor(self.std)
        return (pixels - mean.view(1, -1, 1, 1)) / std.view(1, -1, 1, 1)


@dataclass(frozen=True, slots=True)
class Tokens:
    """Texts as numbers, by a tokenizer."""

    tokenizer: Any

    def __call__(self, batch: list[str]) -> dict[str, Any]:
        """Return the tokenizer's tensors, padded, at most as long as the network allows."""
        return dict(self.tokenizer(batch, padding=True, truncation=True, return_tensors="pt"))


@dataclass(frozen=True, slots=True)
class Processed:
    """Images as a published processor prepares them."""

    processor: Any

    def __call__(self, batch: NDArray[Any]) -> dict[str, Any]:
        """Return the processor's tensors."""
        images = np.repeat(batch, 3, axis=3) if batch.shape[3] == 1 else batch[..., :3]
        scale = {} if images.dtype == np.uint8 else {"do_rescale": False}
        found = self.processor(images=list(images), return_tensors="pt", **scale)
        return dict(found)


def resolved(candidate: Candidate, rows: Rows | None, door: CandidateDoor) -> Candidate:
    """Return the candidate with the network its name stands for, and its preprocessing.

    Parameters
    ----------
    candidate : Candidate
        Returned as it is if its model is no published name.
    rows : Rows, optional
        Whether they are images or texts decides what ``hf:`` loads.
    door : CandidateDoor
    """
    hub = hub_of(candidate.model) if isinstance(candidate.model, str) else None
    if hub is None:
        return candidate
    name = str(candidate.model).partition(":")[2].strip()
    try:
        if hub == "timm":
            model, preprocess, classes = _timm(name, door)
        elif hub == "torchvision":
            model, preprocess, classes = _torchvision(name, door)
        else:
            model, preprocess, classes = _transformers(name, rows, door)
    except Exception as error:
        if isinstance(error, type(door.error(""))):
            raise
        raise door.error(
            f"cannot be loaded ({type(error).__name__}: {short(first_line(error), 160)}); check "
            "the name, and that its weights are here or can be downloaded"
        ) from error
    return replace(
        candidate,
        model=model,
        preprocess=candidate.preprocess or preprocess,
        classes=None if candidate.head is False else (candidate.classes or classes),
    )


def _timm(name: str, door: CandidateDoor) -> tuple[Any, Any, None]:
    timm = optional("timm", "timm", door)
    plain = name.partition(".")[0]  # what follows the point names the weights
    if not timm.is_model(plain):
        near = did_you_mean(plain, timm.list_models())
        raise door.error(f"names no network that timm knows{near}; correct the name")
    model = timm.create_model(name, pretrained=True)
    config = optional("timm.data", "timm", door).resolve_model_data_config(model)
    _, height, width = config["input_size"]
    return model, Normalised((height, width), tuple(config["mean"]), tuple(config["std"])), None


def _torchvision(name: str, door: CandidateDoor) -> tuple[Any, Any, Any]:
    models = optional("torchvision.models", "torchvision", door)
    if name not in models.list_models():
        near = did_you_mean(name, models.list_models())
        raise door.error(f"names no network that torchvision knows{near}; correct the name")
    weights = models.get_model_weights(name).DEFAULT
    model = models.get_model(name, weights=weights)
    shown = weights.transforms()
    side = getattr(shown, "crop_size", None)
    if not side or not hasattr(shown, "mean"):
        raise door.error(
            "is no network for single images; give the torch module and its preprocess="
        )
    size = (side[0], side[-1])
    return model, Normalised(size, tuple(shown.mean), tuple(shown.std)), weights.meta["categories"]


def _transformers(name: str, rows: Rows | None, door: CandidateDoor) -> tuple[Any, Any, None]:
    hub = optional("transformers", "transformers", door)
    kind = None if rows is None else rows.kind
    if kind not in ("texts", "images"):
        raise door.error("understands texts or images; give rows of one of these kinds")
    # weights are read from safetensors only: the older files are pickles
    model = hub.AutoModel.from_pretrained(name, use_safetensors=True)
    if kind == "texts":
        return model, Tokens(hub.AutoTokenizer.from_pretrained(name)), None
    return model, Processed(hub.AutoImageProcessor.from_pretrained(name)), None
