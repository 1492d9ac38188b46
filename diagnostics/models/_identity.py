"""What a model and its preprocessing are, as bytes: by content, or not at all."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import sys
import types
from collections.abc import Mapping
from typing import Any

import numpy as np

_DEEPEST = 40
_PLAIN = (type(None), bool, int, float, complex, str, bytes)
_LISTS = (tuple, list)
_TORCH = ("dtype", "device", "layout", "memory_format")


class UnreadableError(Exception):
    """A part whose content cannot be read, so that two of them cannot be told apart."""


def fingerprint(*values: Any) -> str | None:
    """Return a hash of the content of any values; ``None`` where one cannot be read.

    Parameters
    ----------
    *values : object
        Plain values, arrays, tensors, containers, networks, functions with what they refer
        to, and objects made of these.

    Notes
    -----
    A function counts by its code, defaults and all it refers to; a class by the code of its
    methods.  Modules and what is imported from installed packages count by name only: the
    version of the package is not seen.
    """
    reader = _Reader()
    try:
        for value in values:
            reader.read(value, 0)
    except (UnreadableError, RecursionError):
        return None
    return reader.digest.hexdigest()


class _Reader:
    def __init__(self) -> None:
        self.digest = hashlib.sha256(b"negtransfer identity 1")
        self._seen: dict[int, tuple[int, Any]] = {}

    def _word(self, *words: object) -> None:
        for word in words:
            data = repr(word).encode("utf-8", "surrogatepass")
            self.digest.update(len(data).to_bytes(8, "little"))
            self.digest.update(data)

    def read(self, value: Any, depth: int) -> None:
        """Feed one value and all it is made of."""
        if depth > _DEEPEST:
            raise UnreadableError
        if isinstance(value, _PLAIN):
            self._word(type(value).__name__, value)
            return
        if id(value) in self._seen:
            self._word("again", self._seen[id(value)][0])
            return
        self._seen[id(value)] = (len(self._seen), value)
        self._compound(value, depth + 1)

    def _compound(self, value: Any, depth: int) -> None:
        if isinstance(value, np.ndarray):
            self._array(value)
        elif _is_tensor(value):
            self._tensor(value)
        elif isinstance(value, (*_LISTS, Mapping, set, frozenset)):
            self._container(value, depth)
        elif isinstance(value, (types.FunctionType, types.MethodType, functools.partial)):
            self._function(value, depth)
        elif isinstance(value, (types.ModuleType, types.BuiltinFunctionType, np.ufunc)):
            self._word("name", getattr(value, "__name__", ""), getattr(value, "__module__", ""))
        elif isinstance(value, type):
            self._class(value, depth)
        elif isinstance(value, (np.generic, np.dtype)) or type(value).__name__ in _TORCH:
            self._word(type(value).__name__, value)
        else:
            self._object(value, depth)

    def _array(self, value: Any) -> None:
        if value.dtype.hasobject:
            raise UnreadableError
        self._word("array", value.dtype.str, value.shape)
        self.digest.update(np.ascontiguousarray(value).view(np.uint8).reshape(-1).data)

    def _tensor(self, value: Any) -> None:
        import torch

        if value.layout is not torch.strided or value.is_quantized or value.is_meta:
            raise UnreadableError
        flat = value.detach().cpu().contiguous().reshape(-1)
        self._word("tensor", str(value.dtype), tuple(value.shape))
        if flat.numel():
            self.digest.update(flat.view(torch.uint8).numpy().data)

    def _container(self, value: Any, depth: int) -> None:
        self._word(type(value).__name__, len(value))
        if isinstance(value, Mapping):
            for key, one in value.items():
                self.read(key, depth)
                self.read(one, depth)
        elif isinstance(value, _LISTS):
            for one in value:
                self.read(one, depth)
        else:
            if not all(isinstance(one, _PLAIN) for one in value):
                raise UnreadableError
            self._word(sorted(map(repr, value)))

    def _function(self, value: Any, depth: int) -> None:
        if isinstance(value, functools.partial):
            for part in (value.func, value.args, value.keywords):
                self.read(part, depth)
            return
        if isinstance(value, types.MethodType):
            self.read(value.__self__, depth)
            value = value.__func__
        self._word("function", value.__qualname__)
        if _installed(value.__module__):
            return
        self._code(value.__code__)
        self.read(value.__defaults__, depth)
        self.read(value.__kwdefaults__, depth)
        for name, one in sorted(_referred(value).items()):
            self._word(name)
            self.read(one, depth)

    def _code(self, code: types.CodeType) -> None:
        self._word(code.co_code, code.co_names, code.co_varnames)
        for constant in code.co_consts:
            if isinstance(constant, types.CodeType):
                self._code(constant)
            else:
                self._word(sorted(map(repr, constant)) if isinstance(constant, frozenset)
                           else constant)  # fmt: skip

    def _class(self, value: type, depth: int) -> None:
        self._word("class", value.__module__, value.__qualname__)
        if _installed(value.__module__):
            return
        for base in value.__mro__[1:]:
            self.read(base, depth)
        for name, member in sorted(value.__dict__.items()):
            if isinstance(member, (staticmethod, classmethod)):
                member = member.__func__
            elif isinstance(member, property):
                member = member.fget
            if isinstance(member, types.FunctionType):
                self._word(name)
                self.read(member, depth)
            elif isinstance(member, _PLAIN) and not name.startswith("__"):
                self._word(name, member)

    def _object(self, value: Any, depth: int) -> None:
        """Feed an object by its class and its attributes, if those are all it is."""
        self.read(type(value), depth)
        state = getattr(value, "__dict__", None)
        if state is None:
            if not dataclasses.is_dataclass(value):
                raise UnreadableError
            state = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
        skipped = ("training",)
        self.read({k: v for k, v in state.items() if k not in skipped}, depth)


def _referred(function: types.FunctionType) -> dict[str, Any]:
    """Return what a function and those within it take from outside, by name."""
    codes: list[types.CodeType] = [function.__code__]
    names: set[str] = set()
    for code in codes:  # grows while it is walked
        names.update(code.co_names)
        codes.extend(c for c in code.co_consts if isinstance(c, types.CodeType))
    found = {name: function.__globals__[name] for name in names if name in function.__globals__}
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    try:
        found.update({f"nonlocal {name}": cell.cell_contents for name, cell in cells})
    except ValueError:  # not bound yet
        raise UnreadableError from None
    return found


def _is_tensor(value: Any) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def _installed(module: str | None) -> bool:
    """Tell whether a module comes from an installed package or from Python itself."""
    top = (module or "").partition(".")[0]
    if top in sys.stdlib_module_names and top != "__main__":
        return True
    path = getattr(sys.modules.get(top), "__file__", None) or ""
    return "site-packages" in path or "dist-packages" in path or top == "negtransfer"
