"""How often somebody may do something: counted in the database, so that it holds for all processes together.

A sliding window made of two fixed ones (name, asker, beginning of the stretch): of the stretch before, the part counts
that is not over yet. At most `most` uses in a stretch that begins where the clock's do; in any other less than twice
that, and then only by who keeps still in between.
"""

import hmac
from math import ceil
from secrets import randbelow

from sqlalchemy import Connection, Engine, Row, delete
from sqlalchemy.orm import Session

from geo.people.models import Allowance
from geo.sql import statements

SWEEP_EVERY = 1000  # uses, on average
Bound = Session | Connection | Engine


def asker_of(key: bytes, address: str) -> str:
    """Give what stands for an asker in the database: a hash that nobody can make, or look for, without the key."""
    return hmac.digest(key, f"asker {address}".encode(), "sha256").hex()[:32]


def take(bound: Bound, name: str, asker: str, *, most: int, per_s: int, uses: int = 1) -> int | None:
    """Count so many uses; give None where there was room for all, else the seconds after which there may be for one.

    Counted at once, on a connection of its own: whatever becomes of the transaction of `bound`, it stays counted.

    most   uses in `per_s` seconds, at least 1; the same for every call with this name
    """
    use, old = statements("allowances.sql")
    told = {"name": name, "asker": asker, "most": most, "per_s": per_s, "uses": uses}
    with _own(bound) as connection:
        found = connection.exec_driver_sql(use, told).one()  # half the time of what is compiled first
        if randbelow(SWEEP_EVERY) == 0:
            connection.exec_driver_sql(old, told)
    return None if found.granted else _wait_s(found, most, per_s)


def forget(bound: Bound, name: str, asker: str) -> None:
    """Let somebody begin anew, as after a password that was right."""
    with _own(bound) as connection:
        connection.execute(delete(Allowance).where(Allowance.name == name, Allowance.asker == asker))


def sweep(bound: Bound, name: str, per_s: int) -> None:
    """Remove what no longer counts. `take` does so by itself now and then."""
    with _own(bound) as connection:
        connection.exec_driver_sql(statements("allowances.sql")[1], {"name": name, "per_s": per_s})


def _own(bound: Bound) -> Connection:
    engine = (bound.get_bind() if isinstance(bound, Session) else bound).engine
    return engine.execution_options(isolation_level="AUTOCOMMIT").connect()


def _wait_s(found: Row[bool, float, int, int], most: int, per_s: int) -> int:
    """Reckon when there will be room for one more, if nobody uses any until then."""
    _, passed_s, before, used = found
    enough = per_s * (1 - (most - used - 1) / before) if before else float("inf")
    if enough > per_s:  # not in this stretch: then in the next, where what is used now is the one before
        enough = per_s + max(0, per_s * (1 - (most - 1) / max(used, 1)))
    return max(1, ceil(enough - passed_s))
