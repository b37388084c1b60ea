"""The parameters of a request to the API: only those that the path knows, and each once."""

from collections import Counter

from fastapi import Request

from geo.checks import refuse
from geo.errors import Flaw

API = "/v1"
SEVERAL = ("kind", "service", "theme", "level")  # parameters that may be given several times
ASKED = ("read_items", "read_export")  # the routes that have many; their query classes know their names
_FORMS = ("f", "lang")
_HSDS = ("search", "page", "per_page", "format")
_HSDS_SOUGHT = (*_HSDS, "taxonomy_id", "taxonomy_term_id", "modified_after", "full")
_HSDS_PLACED = (*_HSDS_SOUGHT, "organization_id", "postcode", "proximity")
FEW = {  # those of the others that have any
    "read_hsds_organizations": (*_HSDS_SOUGHT, "full_service"),
    "read_hsds_organization": ("full_service",),
    "read_hsds_services": (*_HSDS_PLACED, "minimal"),
    **dict.fromkeys(("read_hsds_service_at_locations", "read_hsds_locations"), _HSDS_PLACED),
    "read_hsds_taxonomies": _HSDS,
    "read_hsds_taxonomy_terms": (*_HSDS, "taxonomy_id", "parent_id", "top_only"),
    **dict.fromkeys(
        """read_landing read_conformance read_collections read_collection read_queryables read_sortables
        read_schema""".split(),
        _FORMS,
    ),
    "read_item": ("crs", "properties", *_FORMS),
    "read_imports": ("limit",),
    "confirm_import": ("skipBad",),
    "read_changes": ("since", "limit"),
    "read_feed": ("after", "limit"),
}


def check(request: Request) -> None:
    """Refuse a parameter that nobody reads, and one given twice: which of the two should count?

    The pages for people pass over what they do not know.
    """
    if not request.url.path.startswith(API):
        return
    given = Counter(name for name, _ in request.query_params.multi_items())
    route = request.scope["route"].name
    if route not in ASKED:
        refuse([Flaw(name, "is not known here") for name in given if name not in FEW.get(route, ())])
    refuse([Flaw(name, "is given more than once") for name in given if given[name] > 1 and name not in SEVERAL])
