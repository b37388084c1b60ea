"""The documentation names everything that there is, and what it claims to be tested is tested."""

import ast
import importlib
import pkgutil
import re
from datetime import date
from pathlib import Path

import pytest
import typer
from fastapi import APIRouter
from fastapi.routing import APIRoute
from sqlalchemy import inspect

import api
from api.cli import app
from geo.base import Base
from geo.imports import cells, mapping
from geo.models import AssetSecret
from geo.people.models import Account
from geo.settings import CHECKOUT, PREFIX, Settings
from geo.volunteers.models import Volunteer

PAGES = [CHECKOUT / "README.md", CHECKOUT / "CONTRIBUTING.md", *sorted((CHECKOUT / "docs").rglob("*.md"))]
CAPABILITIES = CHECKOUT / "docs/capabilities.md"
COLUMNS = ["What is asked", "How it shows", "Tests", "State"]


@pytest.fixture(scope="module")
def docs() -> str:
    return "\n".join(page.read_text(encoding="utf-8") for page in PAGES)


def commands(group: typer.Typer, before: str) -> list[str]:
    """Give every command of the command line as one types it."""
    own = [command.name or getattr(command.callback, "__name__", "") for command in group.registered_commands]
    below = [part for part in group.registered_groups if part.typer_instance]
    return [f"{before} {name}" for name in own] + [
        name for part in below if part.typer_instance for name in commands(part.typer_instance, f"{before} {part.name}")
    ]


def routes() -> set[str]:
    """Give the path of every route, with its parameters unnamed."""
    found = set()
    for module in pkgutil.iter_modules(api.__path__):
        router = getattr(importlib.import_module(f"api.{module.name}"), "router", None)
        if isinstance(router, APIRouter):
            found |= {unnamed(route.path) for route in router.routes if isinstance(route, APIRoute)}
    return found


def unnamed(path: str) -> str:
    return re.sub(r"\{\w+\}", "{}", path).rstrip("/") or "/"


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_explained_and_shown_in_the_example(name: str) -> None:
    running = (CHECKOUT / "docs/running-it.md").read_text(encoding="utf-8")
    example = (CHECKOUT / ".env.example").read_text(encoding="utf-8")
    assert f"| `{PREFIX}{name.upper()}` |" in running
    assert f"# {PREFIX}{name.upper()}=" in example


def test_every_setting_that_is_explained_exists(docs: str) -> None:
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    assert set(re.findall(rf"\b{PREFIX}[A-Z_]+[A-Z]\b", docs)) <= known


def test_every_command_is_explained(docs: str) -> None:
    found = commands(app, "kaart")
    assert len(found) > 5
    assert [command for command in found if f"`{command}" not in docs] == []


def test_every_route_is_explained(docs: str) -> None:
    told = {unnamed(path) for path in re.findall(r"(?<![\w.:])/[\w/{}.-]*", docs)}
    shortened = tuple(unnamed(path) for path in re.findall(r"…(/[\w/{}.-]+)", docs))
    found = routes()
    assert len(found) > 5
    assert sorted(path for path in found if path not in told and not path.endswith(shortened)) == []


def test_every_link_between_pages_leads_somewhere() -> None:
    broken = [
        f"{page.relative_to(CHECKOUT)}: {target}"
        for page in PAGES
        for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
        if not (page.parent / target).exists()
    ]
    assert broken == []


def known_tests() -> dict[str, str]:
    """Give the name of every test, and how it is marked where it may not run."""
    found = {}
    for path in sorted(Path(CHECKOUT / "tests").rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                marks = " ".join(ast.unparse(mark) for mark in node.decorator_list)
                found[node.name] = marks if "skip" in marks else ""
    return found


def rows() -> list[list[str]]:
    """Give the cells of the table of capabilities."""
    lines = [line for line in CAPABILITIES.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in cells if row != COLUMNS and set(row[0]) - set("-: ")]


def test_what_can_be_done_is_told_in_one_table() -> None:
    text = CAPABILITIES.read_text(encoding="utf-8")
    assert f"| {' | '.join(COLUMNS)} |" in text
    assert rows()
    assert [row for row in rows() if len(row) != len(COLUMNS)] == []


def test_every_capability_names_tests_that_exist_and_run() -> None:
    known = known_tests()
    wrong = []
    for row in rows():
        named = re.findall(r"\btest_\w+(?!\w*\.py)\b", re.sub(r"\S*test_\w+\.py(::)?", "", row[2]))
        wrong += [f"{row[0]}: {name} is no test" for name in named if name not in known]
        wrong += [f"{row[0]}: {name} may not run" for name in named if "reason" not in known.get(name, "") != ""]
        if not named and not row[3].startswith("open"):
            wrong.append(f"{row[0]}: no test is named")
    assert wrong == []


def test_the_mapping_that_is_explained_is_one_that_works() -> None:
    text = (CHECKOUT / "docs/importing.md").read_text(encoding="utf-8")
    examples = [block for block in re.findall(r"```toml\n(.*?)```", text, re.DOTALL) if "source =" in block]
    assert [mapping.parse(example, date(2026, 1, 1)).source for example in examples] == ["Gemeente Voorbeeld"]


def test_every_field_of_a_mapping_is_explained() -> None:
    text = (CHECKOUT / "docs/importing.md").read_text(encoding="utf-8")
    assert [field for field in cells.READERS if f"`{field.partition('.')[0]}" not in text] == []


def test_every_table_about_people_stands_in_the_privacy_page() -> None:
    told = (CHECKOUT / "docs/privacy.md").read_text(encoding="utf-8")
    of_people = {Account.__module__, Volunteer.__module__}
    models = [mapper.class_ for mapper in Base.registry.mappers if mapper.class_.__module__ in of_people]
    tables = {str(inspect(model).local_table) for model in (*models, AssetSecret)}
    assert len(tables) >= 10
    assert {table for table in tables if f"`{table}`" not in told} == set()
