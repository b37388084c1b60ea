"""What people write with an account: proposals of their own, the records of their neighbourhoods, and nothing else."""

from collections.abc import Callable
from itertools import product

import pytest
from sqlalchemy import func, select, text

from geo.models import Asset, History, Neighbourhood
from geo.vocabulary import Kind, Level, Role
from tests.integration.people import Person, browser, signed_in
from tests.integration.town import ACTIVITIES, ADMIN, AGREED, ASSETS, Town, feature, point

HERE = "BU05790102"
OWNERS = (Role.contributor, Role.broker, Role.planner)


@pytest.fixture(scope="module")
def there(town: Town) -> str:
    """Give the code of another neighbourhood than the steward's."""
    buurten = select(Neighbourhood.code).where(Neighbourhood.level == Level.buurt, Neighbourhood.code != HERE)
    with town.sessions() as session:
        return session.scalars(buurten.order_by(Neighbourhood.code)).all()[0]


def person(town: Town, role: Role, number: int = 1) -> Person:
    areas = [HERE] if role in (Role.steward, Role.broker) else []
    return signed_in(town, f"{role.value}{number}@example.nl", role, areas)


def spot(town: Town, code: str) -> dict[str, object]:
    """Give a place in a neighbourhood."""
    inside = func.ST_PointOnSurface(Neighbourhood.overview)
    with town.sessions() as session:
        asked = select(func.ST_X(inside), func.ST_Y(inside)).where(Neighbourhood.code == code)
        lon, lat = session.execute(asked.order_by(Neighbourhood.id).limit(1)).one()
    return point(lon, lat)


def room(town: Town, code: str = HERE, **told: object) -> dict[str, object]:
    return feature(spot(town, code), kind="initiative", name="Buurtmoestuin", **told)


def walk(town: Town, code: str = HERE, **told: object) -> dict[str, object]:
    day = {"repeat": "once", "starts_on": "2026-11-29"}
    return feature(spot(town, code), title="Wandelen", theme="move", **day, **told)


Record = Callable[..., dict[str, object]]
RECORDS: list[tuple[str, Record]] = [(ASSETS, room), (ACTIVITIES, walk)]


def made(town: Town, path: str, body: object) -> str:
    """Let an administrator add a record, and give its path."""
    answer = town.send("POST", path, body)
    assert answer.status_code == 201, answer.text
    return f"{path}/{answer.json()['id']}"


@pytest.mark.parametrize("role", OWNERS)
@pytest.mark.parametrize(("path", "record"), RECORDS)
def test_what_somebody_adds_is_a_proposal_that_they_alone_see(
    town: Town, role: Role, path: str, record: Record
) -> None:
    me, other, steward = person(town, role), person(town, role, 2), person(town, Role.steward)
    added = me.send("POST", path, record(town))
    assert (added.status_code, added.json()["properties"]["status"]) == (201, "proposed")
    mine = f"{path}/{added.json()['id']}"
    assert [each.client.get(mine).status_code for each in (me, other, browser(town), steward)] == [200, 404, 404, 200]
    assert town.get(mine, ADMIN).status_code == 200
    found = [each.client.get(path, params={"limit": 1000}).text for each in (me, other, browser(town))]
    assert [added.json()["id"] in each for each in found] == [True, False, False]


@pytest.mark.parametrize("role", OWNERS)
@pytest.mark.parametrize(("path", "record"), RECORDS)
def test_a_proposal_is_changed_and_taken_back_by_who_made_it_and_published_by_others(
    town: Town, role: Role, path: str, record: Record
) -> None:
    me, other = person(town, role), person(town, role, 2)
    mine = f"{path}/{me.send('POST', path, record(town)).json()['id']}"
    summary, publish = feature_of(summary="Elke dag open"), feature_of(status="published")
    assert me.send("PATCH", mine, summary).json()["properties"]["summary"] == "Elke dag open"
    assert me.send("PATCH", mine, publish).status_code == 403
    assert town.get(mine, ADMIN).json()["properties"]["status"] == "proposed"
    assert [other.send(method, mine, summary).status_code for method in ("PATCH", "DELETE")] == [404, 404]
    assert person(town, Role.steward).send("PATCH", mine, publish).status_code == 200
    assert [me.send(method, mine, summary).status_code for method in ("PATCH", "DELETE")] == [403, 403]
    assert town.get(mine).json()["properties"]["status"] == "published"


def moved(town: Town, code: str) -> dict[str, object]:
    return {**feature_of(), "geometry": spot(town, code)}


def feature_of(**told: object) -> dict[str, object]:
    return {"type": "Feature", "properties": told}


@pytest.mark.parametrize("status", ["published", "archived"])
def test_nobody_proposes_something_that_is_published_already(town: Town, status: str) -> None:
    for role, (path, record) in product(OWNERS, RECORDS):
        assert person(town, role).send("POST", path, record(town, status=status)).status_code == 403


@pytest.mark.parametrize(("path", "record"), RECORDS)
def test_a_steward_writes_in_the_own_neighbourhoods_and_nowhere_else(
    town: Town, there: str, path: str, record: Record
) -> None:
    steward = person(town, Role.steward)
    inside, outside = (made(town, path, record(town, code)) for code in (HERE, there))
    summary = feature_of(summary="Nieuw")
    assert steward.send("POST", path, record(town)).status_code == 201
    assert steward.send("PATCH", inside, summary).status_code == 200
    assert steward.send("POST", path, record(town, there)).status_code == 403
    assert [steward.send(method, outside, summary).status_code for method in ("PATCH", "DELETE")] == [403, 403]
    for way in (inside, outside):  # neither out of the own neighbourhoods nor into them
        code = there if way == inside else HERE
        assert steward.send("PATCH", way, moved(town, code)).status_code == 403
    assert town.get(inside).json()["properties"]["neighbourhood"].startswith(HERE)
    assert town.get(outside).json()["properties"]["neighbourhood"].startswith(there)
    assert steward.send("DELETE", inside).status_code == 204


def test_a_steward_sees_what_waits_in_the_own_neighbourhoods_only(town: Town, there: str) -> None:
    steward = person(town, Role.steward)
    for path, record in RECORDS:
        ways = [made(town, path, record(town, code, status="proposed")) for code in (HERE, there)]
        assert [steward.client.get(way).status_code for way in ways] == [200, 404]
        assert [steward.send("PATCH", way, feature_of(summary="Ja")).status_code for way in ways] == [200, 404]


def test_the_rows_of_volunteers_are_for_administrators_only(town: Town) -> None:
    volunteer = feature(None, kind="volunteer", services=["meals"], neighbourhood=HERE, consent=AGREED)
    there = made(town, ASSETS, volunteer)
    for role in (*OWNERS, Role.steward):
        somebody = person(town, role)
        assert somebody.send("POST", ASSETS, volunteer).status_code == 403
        assert somebody.client.get(there).status_code == 404
        assert [somebody.send(method, there, feature_of()).status_code for method in ("PATCH", "DELETE")] == [404, 404]
    admin = signed_in(town, "admin@example.nl", Role.admin)
    assert admin.client.get(there).status_code == 200


def test_what_is_refused_leaves_no_row_and_no_history(town: Town, there: str) -> None:
    steward, me = person(town, Role.steward), person(town, Role.contributor)
    published = made(town, ASSETS, room(town, there))
    counted = text("SELECT (SELECT count(*) FROM history), (SELECT count(*) FROM asset)")
    with town.sessions() as session:
        before = session.execute(counted).one()
    for somebody in (steward, me):
        for method, body in (("PATCH", feature_of(summary="Nee")), ("DELETE", None)):
            assert somebody.send(method, published, body).status_code == 403
        assert somebody.send("POST", ASSETS, room(town, there, status="published")).status_code == 403
    for role in OWNERS:
        assert town.send("POST", ASSETS, room(town), role.value).status_code == 403  # a key owns nothing
    with town.sessions() as session:
        assert session.execute(counted).one() == before


def test_the_history_names_the_account_and_never_the_person_who_signed_in(town: Town) -> None:
    me = person(town, Role.contributor)
    item = me.send("POST", ASSETS, room(town)).json()["id"]
    with town.sessions() as session:
        asset = session.scalars(select(Asset).where(Asset.id == item, Asset.kind == Kind.initiative)).one()
        names = session.scalars(select(History.changed_by).where(History.row_id == item)).all()
    assert asset.made_by == me.id
    assert set(names) == {f"account:{me.id}"}
