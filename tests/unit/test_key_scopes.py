"""What an API key can be for."""

from itertools import product

import pytest

from geo import rights
from geo.errors import NotAllowed
from geo.rights import FOR_PEOPLE, KEY_SCOPES, OPERATIONS, Viewer
from geo.vocabulary import Role


def test_every_operation_is_in_one_scope_or_for_people() -> None:
    listed = [operation for group in (*KEY_SCOPES.values(), FOR_PEOPLE) for operation in group]
    assert sorted(listed) == sorted(OPERATIONS)


def test_a_key_does_what_its_scopes_hold_and_its_role_may() -> None:
    for role, operation in product(Role, OPERATIONS):
        for name, operations in KEY_SCOPES.items():
            key = Viewer(role, "a key", scopes=frozenset({name}))
            assert allowed(key, operation) == (operation in operations and allowed(Viewer(role, "a key"), operation))


def allowed(viewer: Viewer, operation: str) -> bool:
    try:
        rights.scope(viewer, operation)
    except NotAllowed:
        return False
    return True


def test_two_scopes_hold_what_either_holds_and_no_more() -> None:
    key = Viewer(Role.admin, "a key", scopes=frozenset({"import", "coverage"}))
    held = {operation for operation in OPERATIONS if allowed(key, operation)}
    assert held == KEY_SCOPES["import"] | KEY_SCOPES["coverage"]


@pytest.mark.parametrize(
    ("operation", "missing"),
    [("create_asset", "needs the scope 'write'"), ("account_page", "is for people who sign in")],
)
def test_a_refusal_names_the_scope_that_is_missing(operation: str, missing: str) -> None:
    key = Viewer(Role.admin, "a key", scopes=frozenset({"import", "coverage"}))
    with pytest.raises(NotAllowed) as refusal:
        rights.scope(key, operation)
    assert str(refusal.value) == f"This API key has the scopes 'coverage', 'import' only; this {missing}."


def test_a_scope_that_this_version_does_not_know_opens_nothing() -> None:
    key = Viewer(Role.admin, "a key", scopes=frozenset({"of a later version"}))
    assert not [operation for operation in OPERATIONS if allowed(key, operation)]
