"""The house rules that a machine can hold: who imports whom, what importing costs, how large things may grow."""

from __future__ import annotations

import ast
import graphlib
import re
import subprocess
import sys
import sysconfig
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# Who may import whom. A room is a package or a single module; its own modules may always import each other.
ALLOWED = {
    "app": {"model.inference", "model.artifact", "model.categories"},
    "model.__main__": {"model.verbs", "model.huge_pages"},
    "model.verbs": {
        "model.training",
        "model.data",
        "model.networks",
        "model.inference",
        "model.artifact",
        "model.preprocessing",
        "model.categories",
    },
    "model.training": {
        "model.data",
        "model.networks",
        "model.inference",
        "model.reports",
        "model.artifact",
        "model.categories",
    },
    "model.data": {"model.reports", "model.artifact", "model.preprocessing", "model.categories"},
    "model.inference": {"model.artifact", "model.preprocessing", "model.categories"},
    "model.networks": set(),
    "model.reports": set(),
    "model.artifact": {"model.categories"},
    "model.categories": set(),
    "model.preprocessing": set(),
    "model.huge_pages": set(),
    "model": set(),
}
HEAVY = ("tensorflow", "keras", "torch", "jax")
FILE_LINES = 350
FUNCTION_LINES = 40

PATHS = sorted(path for room in ("app", "model") for path in (ROOT / room).rglob("*.py"))
NAMES = {path: ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in PATHS}
MODULES = set(NAMES.values())
INSTALLED = packages_distributions()
each_module = pytest.mark.parametrize("path", PATHS, ids=[NAMES[path] for path in PATHS])


def imports(path: Path) -> set[str]:
    """Absolute names of all that a file imports, at its top and inside functions alike."""
    package = NAMES[path] if path.name == "__init__.py" else NAMES[path].rpartition(".")[0]
    found = set()
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            source = ".".join([*parents, node.module] if node.module else parents)
            # `from model import categories` imports a module, `from model.categories import NAMES` a name in one.
            found.update(
                name if (name := f"{source}.{alias.name}") in MODULES or source not in MODULES else source
                for alias in node.names
            )
    return found


def room(module: str) -> str | None:
    """The room that a module of ours is in; None for a library."""
    inside = [name for name in ALLOWED if module == name or (module.startswith(f"{name}.") and name != "model")]
    return max(inside, key=len, default="model" if module.partition(".")[0] == "model" else None)


def test_both_rooms_are_there():
    assert {"app", "model", "model.inference", "model.categories"} <= MODULES


@each_module
def test_imports_only_the_rooms_it_may(path):
    own = room(NAMES[path])
    others = {room(name) for name in imports(path)} - {own, None}
    assert not others - ALLOWED[own], f"{NAMES[path]} may import of ours only {sorted(ALLOWED[own])}"


@each_module
def test_flask_stays_in_app(path):
    web = {name for name in imports(path) if name.partition(".")[0] in ("flask", "werkzeug", "gunicorn")}
    assert not web or room(NAMES[path]) == "app"


def test_no_circles():
    graph = {NAMES[path]: (imports(path) & MODULES) - {NAMES[path]} for path in PATHS}
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        pytest.fail(f"imports go round in a circle: {' -> '.join(reversed(error.args[1]))}")


def test_importing_app_loads_no_training_framework():
    code = f"import sys, app; print(*[name for name in {HEAVY} if name in sys.modules])"
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    assert (result.returncode, result.stdout.split()) == (0, []), result.stderr


@each_module
def test_public_things_have_docstrings(path):
    tree = _tree(path)
    assert ast.get_docstring(tree), f"{NAMES[path]} has no module docstring"
    bare = [node.name for node in _public(tree) if not ast.get_docstring(node)]
    assert not bare, f"{NAMES[path]}: no docstring for {bare}"


@each_module
def test_files_and_functions_stay_small(path):
    lines = len(path.read_text("utf-8").splitlines())
    assert lines <= FILE_LINES
    long = {
        node.name: length
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (length := _length(node)) > FUNCTION_LINES
    }
    assert not long, f"{NAMES[path]}: more than {FUNCTION_LINES} lines without the docstring: {long}"


@each_module
def test_files_are_named_for_what_they_do(path):
    assert path.stem not in {"utils", "util", "helpers", "common", "misc"}


def test_no_installed_package_hides_a_standard_module():
    # App Service puts site-packages on PYTHONPATH, so before the standard library: see
    # requirements-without-dependencies.txt.
    names = {entry.name.partition(".")[0] for entry in Path(sysconfig.get_path("purelib")).iterdir()}
    hiding = names & sys.stdlib_module_names
    assert not hiding


@each_module
def test_libraries_are_in_the_requirements(path):
    # What the service runs must do with the slim install; only the engine that needs TensorFlow imports it.
    training = ("model.training", "model.data", "model.networks", "model.reports", "model.verbs", "model.__main__")
    serving = room(NAMES[path]) not in training
    files = ["requirements-serve.txt"] + ([] if serving else ["requirements.txt"])
    text = "".join((ROOT / name).read_text("utf-8") for name in files)
    pinned = {name.lower() for name in re.findall(r"^([\w.-]+)==", text, flags=re.MULTILINE)}
    libraries = {name.partition(".")[0] for name in imports(path)} - {"app", "model"} - sys.stdlib_module_names
    if serving:
        libraries -= {"tensorflow", "keras"}
    missing = {name for name in libraries if not pinned & {dist.lower() for dist in INSTALLED.get(name, [name])}}
    assert not missing, f"{NAMES[path]} imports {missing}, which {files} do not pin"


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), filename=str(path))


def _public(tree: ast.Module) -> list[ast.FunctionDef | ast.ClassDef]:
    """Public functions and classes of a module, and public methods.

    Not properties, which may be plain from their name, nor methods of a subclass: an override keeps its contract.
    """
    things = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    methods = [
        method
        for node in things
        if isinstance(node, ast.ClassDef) and not node.bases and not node.name.startswith("_")
        for method in node.body
        if isinstance(method, ast.FunctionDef) and not method.decorator_list
    ]
    return [node for node in things + methods if not node.name.startswith("_")]


def _length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0
