"""What the layout promises: one package out of three folders, with imports going down only."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import negtransfer

ROOT = Path(__file__).resolve().parents[2]
FLOORS = ("metrics", "diagnostics", "reports")
FACE = ROOT / ".src" / "negtransfer"
# what the three floors may use of each other, beside themselves and the face
BELOW: dict[str, tuple[str, ...]] = {
    "metrics": (),
    "diagnostics": ("negtransfer.metrics", "negtransfer.reports"),
    "reports": (
        "negtransfer.diagnostics.document",
        "negtransfer.diagnostics.models.document",
    ),
}
FORBIDDEN = {
    "network": {"socket", "ssl", "http", "urllib", "urllib3", "requests", "httpx", "aiohttp",
                "ftplib", "smtplib", "xmlrpc", "webbrowser", "socketserver"},
    "code from data": {"pickle", "cPickle", "dill", "cloudpickle", "shelve", "marshal"},
}  # fmt: skip
UNSAFE_CALLS = {"joblib.load", "torch.load", "pd.read_pickle", "pandas.read_pickle"}


def module_files() -> dict[str, Path]:
    """Return the package's modules by the name under which they are imported."""
    found = {"negtransfer": FACE / "__init__.py", "negtransfer.__main__": FACE / "__main__.py"}
    for floor in FLOORS:
        for path in sorted((ROOT / floor).rglob("*.py")):
            parts = ("negtransfer", *path.relative_to(ROOT).with_suffix("").parts)
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = module_files()
FLOOR_MODULES = sorted(name for name in MODULES if name.count(".") and "__main__" not in name)
EVERY_FILE = sorted(
    {*MODULES.values(), *(ROOT / "tests").rglob("*.py"), *(ROOT / "benchmarks").rglob("*.py")}
)


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def imports(module: str, path: Path) -> Iterator[tuple[str, int, bool]]:
    """Yield (absolute name, line, whether inside a function) of all that a module imports."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]

    def walk(node: ast.AST, inside: bool) -> Iterator[tuple[str, int, bool]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                for alias in child.names:
                    yield alias.name, child.lineno, inside
            elif isinstance(child, ast.ImportFrom):
                base = child.module or ""
                if child.level:
                    above = package.split(".")[: len(package.split(".")) - child.level + 1]
                    base = ".".join([*above, base] if base else above)
                for alias in child.names:
                    yield f"{base}.{alias.name}", child.lineno, inside
            else:
                function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
                yield from walk(child, inside or function)

    yield from walk(tree(path), False)


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def test_packages_are_the_folders_with_an_init(pyproject):
    """A folder that is not listed works in development and is missing from the wheel."""
    folders = {"negtransfer"}
    for floor in FLOORS:
        folders |= {
            ".".join(("negtransfer", *path.parent.relative_to(ROOT).parts))
            for path in (ROOT / floor).rglob("__init__.py")
        }
    assert sorted(pyproject["tool"]["setuptools"]["packages"]) == sorted(folders)


def test_every_module_lies_in_a_package():
    """Without an ``__init__`` beside it a module is not shipped."""
    assert [p for p in MODULES.values() if not (p.parent / "__init__.py").exists()] == []


def test_package_data_names_every_file_that_is_no_module(pyproject):
    data = pyproject["tool"]["setuptools"]["package-data"]
    shipped = {FACE / "py.typed"}
    for package, patterns in data.items():
        folder = ROOT.joinpath(*package.split(".")[1:]) if "." in package else FACE
        for pattern in patterns:
            shipped |= set(folder.glob(pattern))
    there = {
        path
        for folder in (FACE, *(ROOT / floor for floor in FLOORS))
        for path in folder.rglob("*")
        if path.is_file() and path.suffix not in (".py", ".pyc")
        and not (folder == FACE and path.relative_to(FACE).parts[0] in FLOORS)
    }  # fmt: skip
    assert there == {path for path in shipped if path.is_file()}


@pytest.mark.parametrize("path", EVERY_FILE, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_bare_imports(path):
    """``import metrics`` works from the root, and gives a second copy of the module."""
    bare = [
        f"line {line}: {name}"
        for name, line, _ in imports("some.deep.place.of.no.matter.what", path)
        if name.split(".")[0] in FLOORS
    ]
    assert bare == []


@pytest.mark.parametrize("module", FLOOR_MODULES)
def test_imports_go_down(module):
    floor = module.split(".")[1]
    allowed = (f"negtransfer.{floor}", "negtransfer.__version__", *BELOW[floor])
    wrong = [
        f"line {line}: {name}"
        for name, line, _ in imports(module, MODULES[module])
        if within(name, "negtransfer") and not any(within(name, ok) for ok in allowed)
    ]
    assert wrong == []


@pytest.mark.parametrize("module", [m for m in FLOOR_MODULES if ".diagnostics" in m])
def test_diagnostics_meet_the_reports_in_functions_only(module):
    """Otherwise reading the reports' code would be the price of every check."""
    early = [
        f"line {line}: {name}"
        for name, line, inside in imports(module, MODULES[module])
        if within(name, "negtransfer.reports") and not inside
    ]
    assert early == []


@pytest.mark.parametrize("module", sorted(MODULES))
def test_no_network_and_no_code_from_data(module):
    path = MODULES[module]
    for why, names in FORBIDDEN.items():
        wrong = [name for name, _, _ in imports(module, path) if name.split(".")[0] in names]
        assert wrong == [], why
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            assert ast.unparse(node.func) not in UNSAFE_CALLS
            for keyword in node.keywords:
                assert keyword.arg != "allow_pickle" or ast.unparse(keyword.value) == "False"


def test_no_web_addresses_are_loaded():
    for folder in (FACE, *(ROOT / floor for floor in FLOORS)):
        for path in folder.rglob("*"):
            if path.is_file() and path.suffix not in (".pyc", ".npz"):
                text = path.read_text(encoding="utf-8")
                assert "http://" not in text, path
                if path.suffix != ".py":
                    assert "https://" not in text, path


@pytest.mark.parametrize("module", sorted(MODULES))
def test_public_names_have_a_docstring(module):
    """A registered check is exempt: `negtransfer explain` prints what its registration says."""
    body = tree(MODULES[module])
    assert ast.get_docstring(body) or module.endswith("__main__"), "the module itself"
    silent = [
        node.name
        for node in body.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
        and not any(ast.unparse(mark).startswith("register(") for mark in node.decorator_list)
    ]
    assert silent == []


def test_what_is_imported_is_declared(pyproject):
    """A package that comes along with another one today need not come along tomorrow."""
    declared = {canonical(Requirement(text).name) for text in pyproject["project"]["dependencies"]}
    homes = packages_distributions()
    used = {
        name.split(".")[0] for module, path in MODULES.items() for name, *_ in imports(module, path)
    }
    missing = {
        name
        for name in used - set(sys.stdlib_module_names) - {"negtransfer"}
        if not declared & {canonical(home) for home in homes.get(name, [name])}
    }
    assert missing == set()


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_constraints_pin_everything_once_and_inside_the_bounds(pyproject):
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [Requirement(line.split("#")[0]) for line in lines if line.split("#")[0].strip()]
    assert all(re.fullmatch(r"==[\w.]+", str(pin.specifier)) for pin in pins)
    versions = {canonical(pin.name): next(iter(pin.specifier)).version for pin in pins}
    assert len(versions) == len(pins)
    project = pyproject["project"]
    extras = project["optional-dependencies"]
    for text in (*project["dependencies"], *extras["test"], *extras["lint"]):
        wanted = Requirement(text)
        assert wanted.specifier.contains(versions[canonical(wanted.name)]), text


def test_identity(pyproject):
    project = pyproject["project"]
    assert project["version"] == negtransfer.__version__
    assert project["license"] == "Apache-2.0"
    words = (ROOT / "LICENSE").read_text(encoding="utf-8").split()
    assert words[:4] == ["Apache", "License", "Version", "2.0,"]
    assert (FACE / "py.typed").read_bytes() == b""
    assert f"## {project['version']}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
