"""A torch network at work: evaluated, tapped, and left as it was found."""

from __future__ import annotations

from contextlib import ExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np

from ..domain._words import short
from ..errors import InputError
from ._doors import CandidateDoor
from ._head import head_words, is_head_name
from ._inputs import called, note_plain, placed, plain, shape_words
from ._layers import OUTPUT, PENULTIMATE, blocks, choose
from ._optional import first_line
from ._taps import Taps

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray
    from torch import nn

    from ._candidates import Candidate
    from ._probe_rows import Rows

CALIBRATION_ROWS = 256


class Network:
    """A network that gives the features of one batch after the other.

    Parameters
    ----------
    candidate : Candidate
        Whose model is a module.
    rows : Rows
    device : torch.device
    layers : list of str, optional
        Take these, whatever the candidate says: those chosen on other rows.
    door : CandidateDoor

    Notes
    -----
    Within ``with``, the network is in evaluation mode on the device; afterwards every part is
    in the mode, and the network on the device, it was found in.
    """

    def __init__(
        self, candidate: Candidate, rows: Rows, device: torch.device,
        layers: list[str] | None, door: CandidateDoor,
    ) -> None:  # fmt: skip
        self._candidate, self._rows, self._device, self._door = candidate, rows, device, door
        self._module: nn.Module = candidate.model
        self._fixed = layers
        self._head: str | None = None
        self._kept: list[str] | None = None
        self._stack = ExitStack()
        first = next(self._module.parameters(), None)
        self._dtype = first.dtype if first is not None and first.is_floating_point() else None

    def __enter__(self) -> Network:
        import torch

        candidate, module = self._candidate, self._module
        with ExitStack() as stack:
            stack.callback(_restore, [(m, m.training) for m in module.modules()])
            home = _home(module)
            if home is not None and home != self._device:
                stack.callback(module.to, home)
                module.to(self._device)
            module.eval()
            stack.enter_context(torch.inference_mode())
            if candidate.seed is not None:
                self._calibrate()
            auto = self._fixed is None and candidate.layers == "auto"
            tried = [*blocks(module), PENULTIMATE, OUTPUT] if auto else [OUTPUT]
            wanted = [] if auto else list(self._fixed or candidate.layers)
            if isinstance(candidate.head, str):
                wanted.append(candidate.head)
            self._auto = auto
            self._taps = stack.enter_context(
                Taps(module, wanted, tried, candidate.pooling, self._door)
            )
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self._stack.close()

    def __call__(self, batch: Any) -> dict[str, NDArray[np.float32]]:
        """Return the layers of a batch, and under ``head`` what its head gives."""
        rows = len(batch)
        found = self._forward(batch, rows)
        arrays = {name: tensor.cpu().numpy() for name, tensor in found.items()}
        if self._kept is None:
            self._settle(arrays)
            if self._candidate.preprocess is None:
                note_plain(self._module, batch, self._rows, self._door)
        assert self._kept is not None
        out = {name: arrays[name] for name in arrays if name in self._kept}
        if self._head is not None:
            out[HEAD] = arrays[self._head]
        return out

    def _forward(self, batch: Any, rows: int) -> dict[str, Any]:
        import torch

        inputs: Any = None
        try:
            inputs = self._inputs(batch)
            mask = inputs.get("attention_mask") if isinstance(inputs, dict) else None
            self._taps.start(rows, mask)
            return self._taps.finish(called(self._module, inputs))
        except InputError:
            raise
        except torch.cuda.OutOfMemoryError as error:
            raise self._door.error(
                f"does not fit into memory with {rows:,} rows at a time; give a smaller batch size"
            ) from error
        except Exception as error:
            raise self._door.error(failure(inputs, rows, error)) from error

    def _inputs(self, batch: Any) -> Any:
        preprocess = self._candidate.preprocess
        if preprocess is None:
            prepared = plain(batch, self._module, self._rows, self._door)
        else:
            prepared = preprocess(batch)
        return placed(prepared, self._device, self._dtype)

    def _settle(self, arrays: dict[str, NDArray[np.float32]]) -> None:
        """After the first batch: which layers stay, and what the head is."""
        candidate, final = self._candidate, self._taps.final
        self._head = self._find_head(arrays, final)
        if self._auto:
            self._kept = choose(self._module, arrays, final, self._head is not None)
            if not self._kept:
                raise self._door.error(
                    "has no layer that gives a tensor with one entry a row; name layers, or give "
                    "a function that calls it"
                )
        else:
            self._kept = list(self._fixed or candidate.layers)
        if twice := [name for name in self._taps.repeated if name in self._kept]:
            self._door.note(
                f"runs its layer {short(twice[0])} more than once a pass: what it gives last is "
                "taken"
            )
        self._taps.keep([*self._kept, *([self._head] if self._head else [])])

    def _find_head(self, arrays: dict[str, NDArray[np.float32]], final: str | None) -> str | None:
        candidate = self._candidate
        if isinstance(candidate.head, str):
            return candidate.head
        output = arrays.get(OUTPUT)
        if candidate.head is not None or output is None or final is None:
            return None
        width = getattr(self._module.get_submodule(final), "out_features", None)
        if output.shape[1] < 2 or output.shape[1] != width:
            return None
        if candidate.classes is None and not is_head_name(final):
            return None
        self._door.note(head_words(final, width))
        return OUTPUT

    def _calibrate(self) -> None:
        """Estimate the statistics of batch normalisation for weights that were drawn anew.

        A running mean of 0 and variance 1 fit no untrained network, whose signal they would
        let vanish or explode with depth.  The rows are spread evenly, since a folder lists
        one class after the other.
        """
        from torch.nn.modules.batchnorm import _BatchNorm

        norms = [m for m in self._module.modules() if isinstance(m, _BatchNorm)]
        norms = [m for m in norms if m.track_running_stats and m.running_mean is not None]
        if not norms:
            return
        n = min(self._rows.n, CALIBRATION_ROWS)
        chosen = np.unique(np.linspace(0, self._rows.n - 1, n).round().astype(np.int64))
        batch = self._rows.take(chosen)
        momenta = [m.momentum for m in norms]
        try:
            for norm in norms:
                norm.reset_running_stats()
                norm.train()
                norm.momentum = None  # the plain average, however many passes
            called(self._module, self._inputs(batch))
        except InputError:
            raise
        except Exception as error:
            raise self._door.error(failure(None, len(chosen), error)) from error
        finally:
            for norm, momentum in zip(norms, momenta, strict=True):
                norm.momentum = momentum
                norm.eval()


HEAD = "\0head"
"""Under which name the outputs of a head travel: no layer can be called so."""


def failure(inputs: Any, rows: int, error: BaseException) -> str:
    """Return the sentence on a model that failed."""
    what = f"a batch of {rows:,} rows"
    if inputs is not None:
        what = f"a batch {shape_words(inputs)}"
    said = short(first_line(error), 160)
    return (
        f"failed on {what} ({type(error).__name__}: {said}); bring the rows into the form it "
        "expects with preprocess=, or images to its size with size="
    )


def _home(module: nn.Module) -> torch.device | None:
    """Return the device all of a network is on; ``None`` where it is spread over several."""
    found = {t.device for t in (*module.parameters(), *module.buffers())}
    return found.pop() if len(found) == 1 else None


def _restore(modes: list[tuple[nn.Module, bool]]) -> None:
    for part, training in modes:
        part.training = training


def pick_device(device: str) -> torch.device:
    """Return the device to compute on; ``"auto"`` is a GPU if there is one."""
    import torch

    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        found = torch.device(device)
        torch.empty(1, device=found)
    except (RuntimeError, AssertionError, TypeError, ValueError, NotImplementedError):
        raise InputError(
            f"the device {short(device)} cannot be used here; give 'auto', 'cpu' or, where there "
            "is a GPU, 'cuda'"
        ) from None
    return found
