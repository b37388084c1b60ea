"""The rules of the house that a machine can keep. A rule is one test; what breaks it is named with its line."""

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from geo.settings import CHECKOUT

PACKAGES = ("geo", "maps", "api", "migrations")
MODULE_LINES = 300
FUNCTION_LINES = 40
ARGUMENTS = 6
# The modules of coverage that read and write the store; all others are arrays in, arrays out.
STORED = (
    """changes counted differences jobs liverows lives models questions results run sites store watch whatif""".split()
)
FOLIUM_METHOD = "render"  # folium calls it with **kwargs, so what replaces it has to take them
Function = ast.FunctionDef | ast.AsyncFunctionDef


class Module(NamedTuple):
    """One Python file: where it stands, its dotted name, and its tree."""

    path: Path
    name: str
    tree: ast.Module

    def at(self, node: ast.stmt | ast.expr, what: str) -> str:
        return f"{self.path.relative_to(CHECKOUT)}:{node.lineno} {what}"


def modules(*folders: str) -> list[Module]:
    found = []
    for folder in folders:
        for path in sorted((CHECKOUT / folder).rglob("*.py")):
            parts = path.relative_to(CHECKOUT).with_suffix("").parts
            name = ".".join(parts).removesuffix(".__init__")
            found.append(Module(path, name, ast.parse(path.read_text(encoding="utf-8"))))
    return found


def imported(module: Module) -> Iterator[tuple[ast.stmt, str]]:
    """Give every name that a module imports, `from a import b` as `a.b`."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node, f"{node.module}.{alias.name}") for alias in node.names)


def functions(module: Module) -> Iterator[Function]:
    for node in ast.walk(module.tree):
        if isinstance(node, Function):
            yield node


def breaches(found: list[Module], forbidden: tuple[str, ...]) -> list[str]:
    """Name each import of something forbidden, or of something in it."""
    return [
        module.at(node, f"imports {name}")
        for module in found
        for node, name in imported(module)
        if any(name == bad or name.startswith(f"{bad}.") for bad in forbidden)
    ]


@pytest.mark.parametrize(
    ("package", "forbidden"),
    [
        ("geo", ("maps", "api", "fastapi", "starlette", "uvicorn", "folium", "branca", "jinja2", "typer")),
        ("maps", ("api", "fastapi", "starlette", "uvicorn", "typer", "sqlalchemy", "geo.models", "geo.db")),
        ("migrations", ("maps", "api", "fastapi")),
    ],
)
def test_imports_go_one_way_from_geo_by_maps_to_api(package: str, forbidden: tuple[str, ...]) -> None:
    assert breaches(modules(package), forbidden) == []


def test_pure_coverage_imports_only_itself_and_the_refusals_of_our_own_and_no_database() -> None:
    impure = {f"geo.coverage.{name}" for name in STORED}
    pure = [module for module in modules("geo/coverage") if module.name not in impure]
    assert pure
    allowed = ("geo.coverage.", "geo.errors.")
    own = [
        module.at(node, f"imports {name}")
        for module in pure
        for node, name in imported(module)
        if name.startswith("geo.") and not f"{name}.".startswith(allowed)
    ]
    assert own + breaches(pure, ("sqlalchemy", "geoalchemy2", "psycopg", *impure)) == []


def test_nothing_in_geo_imports_itself_by_a_detour() -> None:
    found = {module.name: module for module in modules("geo")}
    ways = {name: {target for target in reached(module, found) if target != name} for name, module in found.items()}
    while leaves := [name for name, targets in ways.items() if not targets & ways.keys()]:
        for name in leaves:
            del ways[name]
    assert not ways, "these import one another in a circle"


def reached(module: Module, found: dict[str, Module]) -> Iterator[str]:
    """Name the modules among `found` that one imports; a package counts as its own module only."""
    for _, name in imported(module):
        if name in found:
            yield name
        elif (parent := name.rpartition(".")[0]) in found:
            yield parent


def test_imports_are_absolute() -> None:
    relative = [
        module.at(node, "relative import")
        for module in modules(*PACKAGES, "tests")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert relative == []


def test_imports_stand_at_the_top_and_not_in_functions() -> None:
    hidden = [
        module.at(node, f"imports in {function.name}")
        for module in modules(*PACKAGES, "tests")
        for function in functions(module)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert hidden == []


def test_modules_are_at_most_300_lines() -> None:
    long = [
        f"{module.path.relative_to(CHECKOUT)} has {lines} lines"
        for module in modules(*PACKAGES, "data")
        if (lines := len(module.path.read_text(encoding="utf-8").splitlines())) > MODULE_LINES
    ]
    assert long == []


def test_functions_are_at_most_40_lines_without_their_docstring() -> None:
    long = [
        module.at(function, f"{function.name} has {lines} lines")
        for module in modules(*PACKAGES, "data")
        for function in functions(module)
        if (lines := length(function)) > FUNCTION_LINES
    ]
    assert long == []


def length(function: Function) -> int:
    """Count the lines from `def` to the end, without the docstring."""
    first = function.body[0]
    told = ast.get_docstring(function) is not None
    docstring = (first.end_lineno or first.lineno) - first.lineno + 1 if told else 0
    return (function.end_lineno or function.lineno) - function.lineno + 1 - docstring


def test_functions_take_at_most_six_arguments_and_none_unnamed() -> None:
    many = [
        module.at(function, f"{function.name} takes too many arguments")
        for module in modules(*PACKAGES, "data")
        for function in functions(module)
        if (len(named(function)) > ARGUMENTS and not is_command(function))
        or (function.args.kwarg and function.name != FOLIUM_METHOD)
    ]
    assert many == []


def is_command(function: Function) -> bool:
    """Say whether a function is a command of the terminal: its arguments are the options that a person may give."""
    return any(ast.unparse(decorator).partition("(")[0].endswith(".command") for decorator in function.decorator_list)


def named(function: Function) -> list[str]:
    arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    return [argument.arg for argument in arguments if argument.arg not in ("self", "cls")]


def test_the_secrets_of_assets_are_named_in_the_models_and_in_privacy_only() -> None:
    named = [
        str(path.relative_to(CHECKOUT))
        for folder in PACKAGES[:3]
        for path in (CHECKOUT / folder).rglob("*.py")
        if "AssetSecret" in path.read_text(encoding="utf-8")
    ]
    strangers = [place for place in named if not (place.startswith("geo/models") or place == "geo/privacy.py")]
    assert strangers == []


def test_no_module_is_a_drawer_for_everything() -> None:
    drawers = {"utils", "util", "helpers", "common", "misc", "manager", "managers", "schemas", "services"}
    assert [module.name for module in modules(*PACKAGES) if module.name.rpartition(".")[2] in drawers] == []


def test_our_own_code_is_never_mocked() -> None:
    assert breaches(modules("tests"), ("unittest.mock", "mock", "pytest_mock")) == []


def test_warnings_are_errors() -> None:
    written = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))
    assert written["tool"]["pytest"]["ini_options"]["filterwarnings"][0] == "error"
    assert written["tool"]["mypy"]["strict"] is True
