"""The parameters of a request to the API: only those that the path knows, and each once."""

from collections import Counter

from fastapi import Request

from geo.checks import refuse
from geo.errors import Flaw

API = "/v1"
SEVERAL = ("kind", "service", "theme", "level")  # parameters that may be given several times
ASKED = "read_items"  # the one route that has many; its query class knows their names
FEW = {  # those of the others that have any
    "read_item": ("crs", "properties"),
    "read_imports": ("limit",),
    "confirm_import": ("skip_bad",),
    "read_changes": ("since", "limit"),
}


def check(request: Request) -> None:
    """Refuse a parameter that nobody reads, and one given twice: which of the two should count?

    The pages for people pass over what they do not know.
    """
    if not request.url.path.startswith(API):
        return
    given = Counter(name for name, _ in request.query_params.multi_items())
    route = request.scope["route"].name
    if route != ASKED:
        refuse([Flaw(name, "is not known here") for name in given if name not in FEW.get(route, ())])
    refuse([Flaw(name, "is given more than once") for name in given if given[name] > 1 and name not in SEVERAL])
