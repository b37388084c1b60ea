"""The static files, each under an address that changes with its contents, so that browsers may keep them for ever."""

from functools import cache
from hashlib import sha256
from pathlib import Path

STATIC = Path(__file__).parent / "static"

# Names under which our modules import each other; a browser finds them through the import map of the page.
SHARED = ("page", "fetching", "map", "outlines", "list", "card", "sheet", "geometry")
RESIDENT = (*SHARED, "pins", "near", "neighbours", "resident")
GAPS = (*SHARED, "gaps", "asking", "colours", "existing", "whatif", "siting")
SPOT = ("page", "fetching", "map", "outlines", "spot")
IMPORTS = ("page", "import_calls", "import_report", "import_rows", "import_doubts", "import_earlier", "imports")

LEAFLET = "vendor/leaflet/leaflet.js"
LEAFLET_STYLE = "vendor/leaflet/leaflet.css"
CLUSTER = "vendor/markercluster/leaflet.markercluster.js"
CLUSTER_STYLE = "vendor/markercluster/MarkerCluster.css"
COMPONENTS_STYLE = "vendor/utrecht/index.css"
THEME_STYLE = "vendor/voorbeeld/theme.css"


@cache
def address(name: str) -> str:
    """Give the address of a file under static/ with a mark of its contents; a missing file gets the bare address."""
    path = STATIC / name
    if not path.is_file():
        return f"/static/{name}"
    return f"/static/{name}?v={sha256(path.read_bytes()).hexdigest()[:12]}"


@cache
def import_map() -> dict[str, dict[str, str]]:
    """Give the import map through which `kaart/pins` and its like reach the versioned addresses."""
    return {"imports": {f"kaart/{name}": address(f"{name}.js") for name in sorted({*RESIDENT, *GAPS, *SPOT, *IMPORTS})}}
