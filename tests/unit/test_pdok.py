"""PDOK's pages read from a server on this machine that answers in PDOK's shape, well and badly."""

import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from geo.errors import InvalidInput, Unavailable
from geo.imports import pdok
from tests.integration.pdok import Pdok, Trouble, buurt, municipality, serving

QUICK = pdok.Patience(tries=3, first_wait_s=0.01, silence_s=2)
YEAR = 2024
# Two municipalities side by side: the box of the one touches two buurten of the other.
MUNICIPALITIES = [
    municipality("GM0579", "Oegstgeest", 4.46, 52.17),
    municipality("GM0546", "Leiden", 4.48, 52.17),
    municipality("GM1900", "Súdwest-Fryslân", 5.5, 53.0),
    municipality("GM0518", "'s-Gravenhage", 4.3, 52.0),
    municipality("GM0373", "Bergen (NH.)", 4.7, 52.6),
    municipality("GM0893", "Bergen (L.)", 6.0, 51.5),
]
OURS = {f"BU0579000{n}" for n in (1, 2, 3, 4)}
BUURTEN = [
    buurt("BU05790001", "Een", "Oegstgeest", (4.46, 52.17), aantal_inwoners=100),
    buurt("BU05460001", "Aan de grens", "Leiden", (4.48, 52.17), aantal_inwoners=50),
    buurt("BU05790002", "Twee", "Oegstgeest", (4.47, 52.17)),
    buurt("BU05790003", "Drie", "Oegstgeest", (4.46, 52.18)),
    buurt("BU05460002", "Ook aan de grens", "Leiden", (4.48, 52.18)),
    buurt("BU05790004", "Vier", "Oegstgeest", (4.47, 52.18)),
    buurt("BU19000001", "Ver weg", "Súdwest-Fryslân", (5.5, 53.0)),
]


@pytest.fixture
def service() -> Iterator[Pdok]:
    with serving(Pdok(YEAR, {"gemeenten": MUNICIPALITIES, "buurten": BUURTEN}, most=2)) as service:
        yield service


def quiet(step: str, done: int, total: int | None) -> None:
    """Tell nobody how far it is."""


def fetched(service: Pdok, into: Path, gemeente: str = "Oegstgeest", year: int = YEAR) -> list[dict[str, Any]]:
    file = pdok.fetch(service.url, year, gemeente, into, quiet, QUICK)
    features: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))["features"]
    return features


def codes(features: list[dict[str, Any]]) -> list[str]:
    return [feature["properties"]["buurtcode"] for feature in features]


def test_all_pages_of_one_municipality_come_and_nothing_of_its_neighbours(service: Pdok, tmp_path: Path) -> None:
    features = fetched(service, tmp_path)
    assert sorted(codes(features)) == sorted(OURS)
    assert features[0] == BUURTEN[0]
    assert service.of("gemeenten") == 3  # six of them, two a page
    assert service.of("buurten") == 3  # the six in the box
    assert [file.name for file in tmp_path.iterdir()] == ["pdok-buurten-2024-GM0579.geojson"]


def test_progress_tells_how_many_there_are_after_each_page(service: Pdok, tmp_path: Path) -> None:
    told: list[tuple[str, int]] = []
    pdok.fetch(service.url, YEAR, "Oegstgeest", tmp_path, lambda step, done, _total: told.append((step, done)), QUICK)
    assert told == [
        ("municipalities", 2), ("municipalities", 4), ("municipalities", 6),
        ("buurten of Oegstgeest", 1), ("buurten of Oegstgeest", 3), ("buurten of Oegstgeest", 4),
    ]  # fmt: skip


@pytest.mark.parametrize("told", ["GM1900", " gm1900 ", "sudwest fryslan", "SÚDWEST-FRYSLÂN"])
def test_a_municipality_is_found_by_its_code_or_by_its_name_however_written(
    told: str, service: Pdok, tmp_path: Path
) -> None:
    assert codes(fetched(service, tmp_path, told)) == ["BU19000001"]


def test_den_haag_is_known_by_the_name_that_everybody_uses(service: Pdok, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"no buurten of 's-Gravenhage \(GM0518\)"):
        fetched(service, tmp_path, "Den Haag")


def test_a_municipality_with_water_is_sought_around_all_its_parts(service: Pdok, tmp_path: Path) -> None:
    water = municipality("GM0579", "Oegstgeest", 4.40, 52.10, 0.001)
    service.collections["gemeenten"] = [water, *MUNICIPALITIES]
    assert sorted(codes(fetched(service, tmp_path))) == sorted(OURS)


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ("Oegstgest", "PDOK has no municipality 'Oegstgest' in 2024; near to it: Oegstgeest."),
        ("Bergen", "PDOK has no municipality 'Bergen' in 2024; near to it: Bergen (L.), Bergen (NH.)."),
        ("GM9999", "PDOK has no municipality with the code GM9999 in 2024."),
        ("zzz", "PDOK has no municipality 'zzz' in 2024."),
        ("", "PDOK has no municipality '' in 2024."),
    ],
)
def test_an_unknown_municipality_is_refused_with_the_names_near_to_it(
    told: str, said: str, service: Pdok, tmp_path: Path
) -> None:
    with pytest.raises(InvalidInput) as refused:
        fetched(service, tmp_path, told)
    assert str(refused.value) == said
    assert refused.value.flaws[0].field == "gemeente"


def test_a_year_that_pdok_does_not_have_is_refused_by_its_number(service: Pdok, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="PDOK has no buurten of the year 1999"):
        fetched(service, tmp_path, year=1999)


@pytest.mark.parametrize(
    "trouble",
    [
        Trouble(status=503),
        Trouble(status=429, retry_after="0"),
        Trouble(status=429, retry_after="Wed, 01 Jan 2020 00:00:00 GMT"),
        Trouble(status=500, retry_after="soon"),
        Trouble(cut=40),
        Trouble(body=b'{"type":"FeatureCollection","featu'),
        Trouble(returned=7),
    ],
    ids=["503", "429", "a moment", "500", "cut off", "half a text", "another number than it says"],
)
def test_a_page_that_fails_once_is_asked_again_and_the_pages_before_it_are_not(
    trouble: Trouble, service: Pdok, tmp_path: Path
) -> None:
    service.troubles["buurten"] = [None, trouble]
    assert sorted(codes(fetched(service, tmp_path))) == sorted(OURS)
    assert service.of("gemeenten") == 3
    assert service.of("buurten") == 4  # three pages, the second one twice


def test_the_wait_is_as_long_as_the_service_says(service: Pdok, tmp_path: Path) -> None:
    service.troubles["buurten"] = [Trouble(status=429, retry_after="1")]
    began = time.monotonic()
    fetched(service, tmp_path)
    assert time.monotonic() - began >= 1


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        (Trouble(status=503), "status 503"),
        (Trouble(cut=40), "body"),
        (Trouble(body=b"<html>Onderhoud</html>"), "no JSON"),
        (Trouble(body=b"[" * 100_000), "no JSON"),
        (Trouble(body=b'{"type":"Feature"}'), "no collection of features"),
        (Trouble(body=b'{"features":[1,2]}'), "no collection of features"),
        (Trouble(returned=7), "holds 2 features and says that there are 7"),
    ],
)
def test_a_page_that_fails_each_time_is_one_line_and_leaves_no_file(
    trouble: Trouble, said: str, service: Pdok, tmp_path: Path
) -> None:
    service.troubles["buurten"] = [trouble] * QUICK.tries
    with pytest.raises(Unavailable) as refused:
        fetched(service, tmp_path)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)
    assert service.of("buurten") == QUICK.tries
    assert list(tmp_path.iterdir()) == []


def test_a_refusal_of_the_service_is_not_asked_again(service: Pdok, tmp_path: Path) -> None:
    service.troubles["buurten"] = [Trouble(status=403)]
    with pytest.raises(Unavailable, match="status 403"):
        fetched(service, tmp_path)
    assert service.of("buurten") == 1


def test_a_next_page_that_was_read_already_ends_it(service: Pdok, tmp_path: Path) -> None:
    first = f"/cbs/wijken-en-buurten-{YEAR}/ogc/v1/collections/gemeenten/items?f=json&limit=100"
    service.troubles["gemeenten"] = [Trouble(on=service.url + first)] * 5
    with pytest.raises(Unavailable, match="do not end"):
        fetched(service, tmp_path)
    assert service.of("gemeenten") == 1


def test_pages_without_end_are_given_up(service: Pdok, tmp_path: Path) -> None:
    service.collections["gemeenten"] = [municipality(f"GM{n:04}", f"Dorp {n}", 5, 52) for n in range(pdok.PAGES + 2)]
    service.most = 1
    with pytest.raises(Unavailable, match="do not end: after 200"):
        fetched(service, tmp_path)
    assert service.of("gemeenten") == pdok.PAGES


def test_a_page_beyond_all_measure_is_not_read(service: Pdok, tmp_path: Path) -> None:
    service.troubles["gemeenten"] = [Trouble(body=b" " * (pdok.PAGE_BYTES + 1))]
    with pytest.raises(Unavailable, match="larger than 50 MB"):
        fetched(service, tmp_path)


@pytest.mark.parametrize(
    "on",
    [
        "https://elsewhere.example/cbs/wijken-en-buurten-2024/ogc/v1/collections/gemeenten/items?cursor=2",
        "file:///etc/passwd",
        "/cbs/wijken-en-buurten-2024/ogc/v1/collections/../../../../secret?cursor=2",
    ],
)
def test_a_next_page_elsewhere_is_not_followed(on: str, service: Pdok, tmp_path: Path) -> None:
    service.troubles["gemeenten"] = [Trouble(on=on)]
    with pytest.raises(Unavailable, match="not followed"):
        fetched(service, tmp_path)
    assert len(service.asked) == 1


def test_a_municipality_without_an_outline_is_said(service: Pdok, tmp_path: Path) -> None:
    service.collections["gemeenten"] = [{**MUNICIPALITIES[0], "geometry": None}]
    with pytest.raises(Unavailable, match="no outline of Oegstgeest"):
        fetched(service, tmp_path)


def test_no_buurten_at_all_is_refused_and_leaves_no_file(service: Pdok, tmp_path: Path) -> None:
    service.collections["buurten"] = []
    with pytest.raises(InvalidInput, match=r"no buurten of Oegstgeest \(GM0579\)"):
        fetched(service, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_host_that_nobody_answers_at_is_one_line(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(Unavailable) as refused:
        pdok.fetch(url, YEAR, "Oegstgeest", tmp_path, quiet, QUICK)
    assert "does not answer" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_an_installation_that_may_not_ask_says_so_and_asks_nothing(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="KAART_PDOK_URL is empty"):
        pdok.fetch("", YEAR, "Oegstgeest", tmp_path, quiet)
