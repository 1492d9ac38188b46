"""A candidate: a network, an encoder, the name of a published network, or saved features."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, TypeGuard

from ..domain._paths import stem
from ..domain._words import short
from ..errors import InputError
from ._doors import CandidateDoor

if TYPE_CHECKING:
    from torch import nn

    from ._probe_rows import Rows

Pooling = Literal["mean", "cls"]
CandidateKind = Literal["network", "encoder", "features"]

HUBS = ("timm", "torchvision", "hf")
FEATURE_FILES = (".npz", ".npy", ".parquet")
_PICKLES = (".pkl", ".pickle", ".joblib", ".pt", ".pth", ".ckpt", ".bin")


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """One pretrained model that may serve as a source.

    Parameters
    ----------
    model : torch.nn.Module, callable, str or path
        A network; an encoder that maps a batch of rows to an array of shape (batch, d), or
        to a mapping of layer names to arrays; ``"timm:NAME"``, ``"torchvision:NAME"`` or
        ``"hf:NAME"``, for which that package must be installed (its weights are downloaded
        by it, if it has not got them yet); or an ``.npz``, ``.npy`` or ``.parquet`` file of
        features that were saved before.
    name : str, optional
        How to call it; by default the class, function or file name.
    preprocess : callable, optional
        Maps a batch of rows (an array of images, a list of texts, an array or data frame of
        a table) to what the network takes: a tensor, an array, a tuple or a mapping of them.
    layers : "auto" or sequence of str
        Layers of a network by the names of ``named_modules``; also ``"output"`` and
        ``"penultimate"``, the input of the final linear layer.  ``"auto"`` takes at most
        eight over the depth.
    head : str, callable or False, optional
        Where the class probabilities of the source task come from: a layer's name, or a
        function of the last layer's features, which gives probabilities or logits.  By
        default the final linear layer of a network, where it is named like a classifier
        (``fc``, ``classifier``, ``head`` and the like); False for none.
    classes : sequence of str, optional
        Names of the source classes, in the order of the head's columns.
    source : Rows, optional
        Rows the model was trained on, or like them, to compare its layers on both.
    pooling : {"mean", "cls"}
        How a sequence of tokens becomes one vector: their mean, or the first token.
    key : str, optional
        Identifies model and preprocessing in the cache, where their content cannot be read.

    Notes
    -----
    Outputs with places (images, time) are averaged over them.  An encoder's mapping may hold
    ``probs`` or ``logits``, which are taken as its head.

    Examples
    --------
    >>> import numpy as np
    >>> Candidate(lambda rows: np.asarray(rows, dtype=float).mean(axis=(1, 2)), name="colour")
    Candidate('colour', encoder)
    """

    model: Any
    name: str = ""
    preprocess: Callable[[Any], Any] | None = None
    layers: str | Sequence[str] = "auto"
    head: str | Callable[[Any], Any] | Literal[False] | None = None
    classes: Sequence[str] | None = None
    source: Rows | None = None
    pooling: Pooling = "mean"
    key: str | None = None
    seed: int | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        if not self.name:
            object.__setattr__(self, "name", _called(self.model))
        door = CandidateDoor(self.name)
        _check_model(self.model, door)
        object.__setattr__(self, "layers", _layers(self.layers, door))
        if self.classes is not None:
            object.__setattr__(self, "classes", tuple(map(str, self.classes)))
        for value, what in ((self.preprocess, "preprocess"), (self.head, "head")):
            named = isinstance(value, str) and what == "head"
            if value is not None and value is not False and not named and not callable(value):
                raise door.error(f"has {short(value)} as {what}; give a function")
        if self.pooling not in ("mean", "cls"):
            raise door.error(f"has the pooling {short(self.pooling)}; give 'mean' or 'cls'")

    def __repr__(self) -> str:
        return f"Candidate({short(self.name)}, {self.kind})"

    @property
    def kind(self) -> CandidateKind:
        """What the model is: network, encoder or features."""
        if isinstance(self.model, (str, os.PathLike)):
            return "network" if hub_of(self.model) else "features"
        return "network" if is_module(self.model) else "encoder"

    def untrained(
        self, seed: int = 0, *, layers: Iterable[str] | None = None, name: str | None = None
    ) -> Candidate:
        """Return the same architecture with weights drawn anew, as a reference.

        Parameters
        ----------
        seed : int
        layers : iterable of str, optional
            Those to compare with the trained network's, such as `CandidateFeatures.layers`:
            which ones ``"auto"`` takes depends a little on the weights.
        name : str, optional
            By default the name and ``(untrained)``.

        Notes
        -----
        See `random_copy`.  The statistics of batch normalisation are estimated in one pass
        over at most 256 of the rows.  Only networks can be copied so.
        """
        if self.kind != "network":
            raise CandidateDoor(self.name).error(
                f"is {'an encoder' if self.kind == 'encoder' else 'a file of features'}, of which "
                "there is no untrained copy; give the network as a torch module"
            )
        return replace(
            self,
            seed=seed,
            name=name or f"{self.name} (untrained)",
            layers=self.layers if layers is None else tuple(layers),
            head=False,
            classes=None,
        )

    @classmethod
    def of(cls, model: Any, name: str | None = None) -> Candidate:
        """Return a candidate of anything that can be one; a `Candidate` as it is."""
        if isinstance(model, Candidate):
            return model if name is None else replace(model, name=name)
        return cls(model, name=name or "")


def as_candidates(given: Any) -> list[Candidate]:
    """Return the candidates of a list, a mapping of names, or a single one, each with its name.

    Parameters
    ----------
    given : Candidate, model, mapping of str to model, or iterable of these
    """
    if isinstance(given, Mapping):
        found = [Candidate.of(model, str(name)) for name, model in given.items()]
    elif isinstance(given, (str, os.PathLike, Candidate)) or callable(given):
        found = [Candidate.of(given)]
    elif isinstance(given, Iterable):
        found = _distinct([(one, Candidate.of(one)) for one in given])
    else:
        raise InputError(
            f"candidates are of type {short(type(given).__name__)}; give a list of models, or a "
            "mapping of names to models"
        )
    if not found:
        raise InputError("there are no candidates; give at least one model")
    names = [c.name for c in found]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise InputError(
            f"{names.count(twice[0])} candidates are called {short(twice[0])}; give each its own "
            "name"
        )
    return found


def _distinct(pairs: list[tuple[Any, Candidate]]) -> list[Candidate]:
    """Number candidates that were given no name and would be called alike."""
    seen: dict[str, int] = {}
    found = []
    for given, candidate in pairs:
        seen[candidate.name] = times = seen.get(candidate.name, 0) + 1
        named = isinstance(given, Candidate)
        rename = times > 1 and not named
        found.append(
            replace(candidate, name=f"{candidate.name} ({times})") if rename else candidate
        )
    return found


def is_module(value: Any) -> TypeGuard[nn.Module]:
    """Tell a torch network without importing torch: where there is one, it is loaded."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.nn.Module)


def hub_of(model: Any) -> str | None:
    """Return the collection a name such as ``"timm:resnet18"`` belongs to."""
    hub, colon, rest = str(model).partition(":")
    return hub if colon and hub in HUBS and rest.strip() else None


def _called(model: Any) -> str:
    if isinstance(model, (str, os.PathLike)):
        path = os.fsdecode(model)
        name = path if hub_of(path) else stem(path)
    else:
        plain = getattr(model, "__name__", type(model).__name__)
        name = "encoder" if plain == "<lambda>" else str(plain)
    return name.encode("utf-8", "backslashreplace").decode("utf-8") or "candidate"


def _layers(layers: Any, door: CandidateDoor) -> str | tuple[str, ...]:
    if isinstance(layers, str):
        return layers if layers == "auto" else (layers,)
    try:
        found = tuple(layers)
    except TypeError:
        found = ()
    if not found or not all(isinstance(name, str) for name in found):
        raise door.error(f"has the layers {short(layers)}; give 'auto' or names of layers")
    return tuple(dict.fromkeys(found))


def _check_model(model: Any, door: CandidateDoor) -> None:
    """Refuse what can be no candidate."""
    if not isinstance(model, (str, os.PathLike)):
        if not callable(model):
            raise door.error(
                f"is of type {short(type(model).__name__)}; give a torch module, a function of a "
                "batch of rows, or the path of saved features"
            )
        if isinstance(model, type):
            raise door.error(f"is the class {short(model.__name__)}; give an object made from it")
        return
    path = os.fsdecode(model)
    if hub_of(path) or path.lower().endswith(FEATURE_FILES):
        return
    if path.lower().endswith(_PICKLES):
        raise door.error(
            f"was given the file {short(path)}, which is never opened, because opening it can run "
            "any code; load it in Python and give the torch module, or save its features"
        )
    raise door.error(
        f"was given as {short(path)}; give timm:NAME, torchvision:NAME or hf:NAME, or a file of "
        f"features ({', '.join(FEATURE_FILES)})"
    )
