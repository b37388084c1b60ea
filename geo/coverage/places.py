"""The assets of one subject, as arrays: where they are, how many they can have, how sure, and when they are open."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from shapely.geometry.base import BaseGeometry

from geo.coverage.demand import Floats, Ints, refuse_degrees
from geo.errors import Flaw, InvalidInput

PARTS = 21  # of a week: bit 3 * weekday + part, Monday morning = 0
UNKNOWN_HOURS = -1
SERVED = 1 << PARTS  # a bit beside those of the week: reached wherever in the neighbourhood one lives


@dataclass(frozen=True)
class Places:
    """Assets in order of their id, so that a tie goes to the lowest index. All of shape (assets,) but `xy`.

    xy         RD New, metres, shape (assets, 2); a point inside where there is an area; NaN where there is no place
    capacity   places, >= 0; NaN where it is not known, which counts as none
    age_days   days since it was confirmed, >= 0; NaN where it never was, which counts as not certain at all
    open_mask  21 bits; -1 where opening hours are not known, which counts as never open
    areas      of those that are areas: index → outline, RD New; a walk ends at its edge, and is 0 inside
    served     of those without a place: index → demand points whose neighbourhood it says it serves, at 0 metres
    """

    xy: Floats
    capacity: Floats
    age_days: Floats
    open_mask: Ints
    areas: Mapping[int, BaseGeometry] = field(default_factory=dict)
    served: Mapping[int, Ints] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """Give the number of assets."""
        return len(self.xy)

    def masks(self) -> Ints:
        """Give `open_mask` as sums take it: 0 where it is not known, and with the bit SERVED of those that serve."""
        masks = np.maximum(self.open_mask, 0)
        masks[list(self.served)] |= SERVED
        return masks

    def take(self, chosen: Ints) -> "Places":
        """Give some of them, in the order of their indexes `chosen`."""
        index = {int(old): new for new, old in enumerate(chosen)} if self.areas or self.served else {}
        return Places(
            self.xy[chosen], self.capacity[chosen], self.age_days[chosen], self.open_mask[chosen],
            {index[i]: shape for i, shape in self.areas.items() if i in index},
            {index[i]: points for i, points in self.served.items() if i in index},
        )  # fmt: skip


def at(
    xy: Floats, *, capacity: Floats | None = None, age_days: Floats | None = None, open_mask: Ints | None = None
) -> Places:
    """Make places of points, shape (assets, 2); what is not told is not known. Raises InvalidInput as `check` does."""
    n = len(xy)
    places = Places(
        np.asarray(xy, dtype=float).reshape(n, 2),
        np.full(n, np.nan) if capacity is None else np.asarray(capacity, dtype=float),
        np.full(n, np.nan) if age_days is None else np.asarray(age_days, dtype=float),
        np.full(n, UNKNOWN_HOURS) if open_mask is None else np.asarray(open_mask, dtype=np.int64),
    )
    check(places)
    return places


def check(places: Places) -> None:
    """Refuse with InvalidInput what cannot be: a negative capacity or age, a mask of more than 21 bits, degrees."""
    masks = places.open_mask
    wrong = {
        "capacity": places.capacity < 0,
        "age_days": places.age_days < 0,
        "open_mask": (masks < UNKNOWN_HOURS) | (masks >= 1 << PARTS),
    }
    for name, bad in wrong.items():
        if bad.any():
            row = int(np.flatnonzero(bad)[0])
            value = getattr(places, name)[row]
            raise InvalidInput(f"Asset {row}: {name} cannot be {value}.", Flaw(name, f"is {value} in row {row}"))
    refuse_degrees(places.xy, "assets")
