"""Hooks on a network: all wanted layers of a batch in one pass, pooled as they come."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ..domain._words import short
from ._doors import CandidateDoor
from ._layers import OUTPUT, PENULTIMATE, check_names
from ._pool import Widths, pool, tensor_of

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(slots=True)
class _Seen:
    """What a pass has left so far."""

    rows: int = 0
    mask: Tensor | None = None
    layers: dict[str, Tensor] = field(default_factory=dict)
    calls: dict[str, int] = field(default_factory=dict)
    final: str | None = None
    before: Tensor | None = None


class Taps:
    """Layers of a network, read while it runs.

    Parameters
    ----------
    module : nn.Module
    wanted : sequence of str
        Layers that must give a tensor.
    tried : sequence of str
        Layers that are left out where they give none.
    pooling : {"mean", "cls"}
    door : CandidateDoor
    """

    def __init__(
        self, module: nn.Module, wanted: Sequence[str], tried: Sequence[str], pooling: str,
        door: CandidateDoor,
    ) -> None:  # fmt: skip
        check_names(module, wanted, door)
        self._module, self._pooling, self._door = module, pooling, door
        self._wanted, self._tried = set(wanted), set(tried)
        self._widths = Widths.of(module)
        self._seen = _Seen()
        self._handles: dict[str, Any] = {}
        self._finals: list[Any] = []

    def __enter__(self) -> Taps:
        hidden = {name for name, _ in self._module.named_modules()}
        for name in sorted((self._wanted | self._tried) & hidden):
            part = self._module.get_submodule(name)
            self._handles[name] = part.register_forward_hook(self._hook(name))
        for name, part in self._module.named_modules():
            if any(True for _ in part.parameters(recurse=False)):
                self._finals.append(part.register_forward_pre_hook(self._before(name)))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        for handle in (*self._handles.values(), *self._finals):
            handle.remove()

    def _hook(self, name: str) -> Any:
        def hook(_: Any, __: Any, output: Any) -> None:
            pooled = self._pooled(name, output)
            seen = self._seen
            seen.calls[name] = seen.calls.get(name, 0) + 1
            seen.layers.pop(name, None)  # a layer that runs again stands where it ran last
            if pooled is not None:
                seen.layers[name] = pooled

        return hook

    def _before(self, name: str) -> Any:
        from torch import nn

        def hook(part: nn.Module, inputs: Any) -> None:
            given = tensor_of(inputs) if isinstance(part, nn.Linear) else None
            self._seen.final = name
            self._seen.before = given.clone() if given is not None and given.ndim == 2 else None

        return hook

    def _pooled(self, name: str, output: Any) -> Tensor | None:
        """Return the pooled output, or the sentence on a layer that must have one."""
        tensor, rows = tensor_of(output), self._seen.rows
        if tensor is None or tensor.is_complex():
            what = type(output).__name__ if tensor is None else "complex tensor"
            self._missing(name, f"gives a {what}, not a tensor of numbers")
            return None
        if tensor.ndim == 0 or len(tensor) != rows:
            shape = tuple(tensor.shape)
            self._missing(
                name,
                f"gives an output of shape {shape} for a batch of {rows:,} rows, not one a row",
            )
            return None
        if tensor.numel() == 0:
            self._missing(name, "gives an empty output")
            return None
        return pool(tensor, pooling=self._pooling, mask=self._seen.mask, widths=self._widths)

    def _missing(self, name: str, sentence: str) -> None:
        if name in self._wanted:
            raise self._door.error(f"has the layer {short(name)}, which {sentence}; name another")

    def start(self, rows: int, mask: Tensor | None) -> None:
        """Forget the last pass, and expect so many rows."""
        self._seen = _Seen(rows, mask)

    def finish(self, output: Any) -> dict[str, Tensor]:
        """Return the layers of the pass, in the order they ran; the network's output last."""
        seen = self._seen
        own = self._wanted | self._tried
        found = dict(seen.layers)
        if PENULTIMATE in own and PENULTIMATE not in found and seen.before is not None:
            pooled = self._pooled(PENULTIMATE, seen.before)
            if pooled is not None:
                found[PENULTIMATE] = pooled
        if OUTPUT in own and OUTPUT not in found:
            pooled = self._pooled(OUTPUT, output)
            if pooled is not None:
                found[OUTPUT] = pooled
        for name in self._wanted - set(found):
            why = (
                "which has no final linear layer before which to look"
                if name == PENULTIMATE
                else "which did not run"
            )
            raise self._door.error(f"has the layer {short(name)}, {why}; name another")
        return found

    @property
    def final(self) -> str | None:
        """The linear layer of vectors that ran last, if no layer with weights came after."""
        return self._seen.final if self._seen.before is not None else None

    @property
    def repeated(self) -> list[str]:
        """Layers that ran more than once in the last pass."""
        return [name for name, calls in self._seen.calls.items() if calls > 1]

    def keep(self, names: Iterable[str]) -> None:
        """Read only these layers from now on."""
        self._wanted = set(names)
        self._tried = set()
        for name in set(self._handles) - self._wanted:
            self._handles.pop(name).remove()
