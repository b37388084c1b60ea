"""What is read from an OpenStreetMap extract, and what its tags say of an asset."""

from pathlib import Path
from typing import Any

import pytest
import shapely

from geo import checks
from geo.days import today
from geo.errors import InvalidInput
from geo.imports import extract, pbf, tags
from geo.vocabulary import KINDS, SERVICES
from tests.integration.osm_extract import Area, Joined, node, write

HERE = (4.36, 52.0)
ROOM = {"amenity": "community_centre", "name": "De Klok"}


def told(step: str, done: int, total: int | None) -> None:
    """Take what is told of the progress, and do nothing."""


def read(path: Path) -> list[extract.Element]:
    return extract.read(path, tags.wanted(), told).elements


def square(west: float, south: float, side: float) -> tuple[tuple[float, float], ...]:
    return tuple(
        (round(x, 7), round(y, 7)) for x, y in shapely.box(west, south, west + side, south + side).exterior.coords
    )[:-1]


def test_a_node_lies_where_it_lies(tmp_path: Path) -> None:
    path = write(tmp_path / "a.osm.pbf", [node(7, HERE, **ROOM), node(8, HERE, amenity="bench")])
    assert read(path) == [extract.Element("node/7", ROOM, shapely.Point(HERE))]


def test_a_building_becomes_a_point_inside_it(tmp_path: Path) -> None:
    horseshoe = ((0.0, 0.0), (3.0, 0.0), (3.0, 3.0), (2.0, 3.0), (2.0, 1.0), (1.0, 1.0), (1.0, 3.0), (0.0, 3.0))
    corners = tuple((4 + x / 1000, 52 + y / 1000) for x, y in horseshoe)
    [found] = read(write(tmp_path / "a.osm.pbf", areas=[Area(1, corners, ROOM)]))
    assert found.id == "way/1"
    assert found.place is not None
    assert shapely.Polygon(corners).contains(found.place)


def test_a_multipolygon_becomes_a_point_in_it_and_not_in_its_court(tmp_path: Path) -> None:
    outer, court = square(4.0, 52.0, 0.003), square(4.0005, 52.0005, 0.002)
    ways = [Area(1, outer, {"building": "yes"}), Area(2, court, {})]
    [found] = read(write(tmp_path / "a.osm.pbf", areas=ways, joined=[Joined(9, (1,), (2,), ROOM)]))
    assert found.id == "relation/9"
    assert found.place is not None
    assert shapely.Polygon(outer, [court]).contains(found.place)


def test_an_outline_that_is_not_whole_has_no_place(tmp_path: Path) -> None:
    [found] = read(write(tmp_path / "a.osm.pbf", joined=[Joined(9, (1,), (), ROOM)]))
    assert found.place is None


def test_the_box_of_an_extract_is_read(tmp_path: Path) -> None:
    boxed = write(tmp_path / "a.osm.pbf", [node(1, HERE, **ROOM)], box=(4.3, 51.9, 4.4, 52.1))
    assert extract.read(boxed, tags.wanted(), told).box == (4.3, 51.9, 4.4, 52.1)
    assert extract.read(write(boxed, [node(1, HERE, **ROOM)]), tags.wanted(), told).box is None


@pytest.mark.parametrize(
    ("bytes_", "said"),
    [
        (b"", "is no OpenStreetMap extract"),
        (b'<?xml version="1.0"?><osm version="0.6"/>', "is no OpenStreetMap extract"),
        (b"PK\x03\x04" + b"\0" * 100, "is no OpenStreetMap extract"),
        (b"\x00\x00\x00\x0d" + pbf.MAGIC, "is damaged"),
        (b"\x7f\xff\xff\xff" + pbf.MAGIC + b"\x18\x01\0", "is damaged"),
    ],
)
def test_what_is_no_extract_is_refused(tmp_path: Path, bytes_: bytes, said: str) -> None:
    path = tmp_path / "a.osm.pbf"
    path.write_bytes(bytes_)
    with pytest.raises(InvalidInput, match=said):
        read(path)


def test_a_file_that_is_cut_off_or_damaged_anywhere_is_refused_or_read(tmp_path: Path) -> None:
    whole = write(tmp_path / "a.osm.pbf", [node(n, HERE, **ROOM) for n in range(1, 200)]).read_bytes()
    path = tmp_path / "b.osm.pbf"
    for cut in range(len(whole) - 1, 0, -7):
        path.write_bytes(whole[:cut])
        with pytest.raises(InvalidInput):
            read(path)
    for at in range(0, len(whole), 3):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        try:
            read(path)
        except InvalidInput as error:
            assert "\n" not in str(error)  # noqa: PT017 - some damage is not seen, and that is no failure


def block(kind: bytes, blob: bytes) -> bytes:
    header = b"\x0a" + bytes([len(kind)]) + kind + b"\x18" + number(len(blob))
    return len(header).to_bytes(4, "big") + header + blob


def number(value: int) -> bytes:
    parts = []
    while value > 0x7F:
        parts.append(0x80 | value & 0x7F)
        value >>= 7
    return bytes([*parts, value])


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    tiny = b"\x10" + number(32 * 1024**2) + b"\x1a\x01x"  # 32 MB, it says, in one byte
    path = tmp_path / "a.osm.pbf"
    path.write_bytes(block(b"OSMHeader", tiny) + block(b"OSMData", tiny) * 1000)
    with pytest.raises(InvalidInput, match="far too large when it is unpacked"):
        read(path)


def test_a_file_that_is_too_large_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "a.osm.pbf"
    with path.open("wb") as file:
        file.truncate(pbf.LARGEST_FILE + 1)  # takes no room on the disk
    with pytest.raises(InvalidInput, match="larger than 500 MB"):
        read(path)


def test_more_elements_than_a_country_has_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extract, "MOST_ELEMENTS", 2)
    with pytest.raises(InvalidInput, match="take a smaller extract"):
        read(write(tmp_path / "a.osm.pbf", [node(n, HERE, **ROOM) for n in (1, 2, 3)]))


@pytest.mark.parametrize("tag", list(tags.ASSETS), ids="=".join)
def test_every_tag_makes_an_asset_that_keeps_the_rules(tag: tuple[str, str]) -> None:
    made = tags.values({tag[0]: tag[1], "name": "De Klok"})
    assert made["kind"] in KINDS
    assert made["themes"]
    assert checks.asset_flaws(made, today()) == []


def test_services_are_read_as_the_vocabulary_says_them() -> None:
    meanings = {
        (term.osm.partition("=")[0], term.osm.partition("=")[2]): key
        for key, term in SERVICES.items()
        if term.osm and sum(other.osm == term.osm for other in SERVICES.values()) == 1
    }
    both = meanings.keys() & tags.ASSETS.keys()
    assert {("amenity", "community_centre"), ("social_facility", "day_care"), ("healthcare", "nurse")} <= both
    assert [tag for tag in both if meanings[tag] not in tags.ASSETS[tag].services] == []


def test_what_says_more_stands_before_what_says_less() -> None:
    kitchen = {"amenity": "social_facility", "social_facility": "soup_kitchen", "name": "Aan tafel"}
    assert tags.values(kitchen)["services"] == ["meals"]


def values(**more: str) -> dict[str, Any]:
    return tags.values({**ROOM, **{key.replace("__", ":"): value for key, value in more.items()}})


def test_all_that_an_element_tells_of_itself_is_kept() -> None:
    told_all = values(
        name="  De \n Klok\x00", addr__street="Dorpsstraat", addr__housenumber="12a", addr__postcode="2628cd",
        addr__city="Delft", opening_hours="Mo-Fr 09:00-17:00", website="www.klok.example.org", operator="Klok",
        wheelchair="yes", toilets__wheelchair="no", hearing_loop="yes", community_centre__for="senior;refugee;cat",
        phone="+31 6 12345678", email="jan@example.org",
    )  # fmt: skip
    assert told_all == {
        "kind": "community_room",
        "name": "De Klok",
        "services": ["meeting"],
        "themes": ["meet"],
        "target_groups": ["older_people", "newcomers"],
        "accessibility": {"step_free_entrance": True, "accessible_toilet": False, "hearing_loop": True},
        "address": "Dorpsstraat 12a",
        "postcode": "2628 CD",
        "city": "Delft",
        "opening_hours": "Mo-Fr 09:00-17:00",
        "url": "https://www.klok.example.org",
        "organisation": {"name": "Klok"},
    }


@pytest.mark.parametrize(
    ("tag", "value"),
    [
        ("opening_hours", "after church"),
        ("website", "javascript:alert(1)"),
        ("addr__postcode", "Delft"),
        ("wheelchair", "limited"),
        ("dog", "no"),
    ],
)
def test_what_cannot_be_read_is_left_out(tag: str, value: str) -> None:
    assert values(**{tag: value}).keys() == {"kind", "name", "services", "themes"}


@pytest.mark.parametrize(
    ("element", "why"),
    [
        ({"amenity": "community_centre"}, "without a name"),
        ({"amenity": "social_facility", "social_facility": "shelter", "name": "x"}, "must not be found"),
        ({**ROOM, "social_facility:for": "homeless;abused"}, "must not be found"),
        ({"amenity": "dentist", "name": "x"}, "treats by appointment"),
        ({**ROOM, "access": "no"}, "closed to everybody"),
    ],
)
def test_what_is_no_candidate_says_why(element: dict[str, str], why: str) -> None:
    assert why in str(tags.why_not(element))


def test_a_dentist_in_a_community_centre_hides_neither() -> None:
    assert tags.why_not({**ROOM, "healthcare": "dentist"}) is None
