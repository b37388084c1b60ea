"""The page on which planners download data."""

from collections.abc import Callable, Iterator
from pathlib import Path

import geopandas
import pytest

from geo.settings import Settings
from tests.browser.conftest import service, with_demo
from tests.browser.visitor import Visitor

Visit = Callable[..., Visitor]


@pytest.fixture(scope="module")
def office(new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the address of a demo municipality that has a folder to make files in."""
    url, var = new_database(), tmp_path_factory.mktemp("var")
    told = Settings(database_url=url, var=var, tile_url="", secret="a secret for tests only", requests_a_minute=0)
    with service(url, told, with_demo) as at:
        yield at


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("path", ["/exports", "/exports?collection=coverage_gaps", "/exports?f=gpkg&neighbourhood=x"])
def test_axe_finds_nothing_serious_on_the_page_of_exports(visit: Visit, path: str, width: int) -> None:
    visitor = visit("/exports", width=width)
    visitor.expected = ["400", "Failed to load"] if "f=" in path else []
    visitor.open(path)
    assert visitor.violations() == []
    assert visitor.sideways() == 0


@pytest.mark.parametrize(("width", "language"), [(1280, "nl"), (390, "nl"), (1280, "en")])
def test_a_planner_without_scripts_gets_a_file_of_what_they_chose(
    visit: Visit, office: str, tmp_path: Path, width: int, language: str
) -> None:
    page = visit("/about", width=width, language=language, scripts=False, at=office).page
    page.locator("a[href='/exports']").click()
    page.locator("#collection").select_option("community_rooms")
    page.locator("form.choose button").click()
    page.locator("input[name=f][value=gpkg]").check()
    page.locator("input[name=crs][value='28992']").check()
    page.locator("#neighbourhood").fill("Oegstgeest")
    with page.expect_download() as coming:
        page.locator("form.exports button[type=submit]").click()
    assert coming.value.suggested_filename.startswith("community_rooms-rd-")
    file = tmp_path / "rooms.gpkg"
    coming.value.save_as(file)
    rows = geopandas.read_file(file)
    assert rows.crs == "EPSG:28992"
    assert set(rows["kind"]) == {"community_room"}


@pytest.mark.parametrize("form", ["geojson", "gpkg", "fgb", "parquet", "csv", "xlsx"])
def test_every_format_that_can_be_chosen_comes_as_a_file(visit: Visit, office: str, form: str) -> None:
    page = visit("/exports?collection=buurten", scripts=False, at=office).page
    page.locator(f"input[name=f][value={form}]").check()
    with page.expect_download() as coming:
        page.locator("form.exports button[type=submit]").click()
    assert coming.value.suggested_filename.endswith(f".{form}")


def test_what_is_filled_in_wrong_is_said_and_stays_filled_in(visit: Visit) -> None:
    visitor = visit("/exports?collection=assets", scripts=False)
    visitor.expected = ["400"]
    visitor.page.locator("#neighbourhood").fill("Nergenshuizen")
    visitor.page.locator("#q").fill("eten")
    visitor.page.locator("#since").fill("2026-12-01")
    visitor.page.locator("#until").fill("2026-11-01")
    visitor.page.locator("form.exports button[type=submit]").click()
    assert "geen buurt met deze naam" in visitor.text("#neighbourhood-flaw")
    assert "De laatste dag is vóór de eerste" in visitor.text("#days-flaw")
    assert visitor.page.locator("#neighbourhood").input_value() == "Nergenshuizen"
    assert visitor.page.locator("#q").input_value() == "eten"
