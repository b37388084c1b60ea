"""What lies on a map. Each layer adds a line of script that starts a static module; the module finds its words and
the addresses of its data in the page around the map, fetches them, and writes text with `textContent` only.
"""

from functools import cache

from branca.element import MacroElement
from folium.template import Template

from maps import files
from maps.base import PageMap, Parts


class Layer(MacroElement):
    """A layer whose module `kaart/<module>` offers one function, called with the map.

    `module` and `verb` are constants of this package: they are written into a script.
    """

    _template = Template(
        """
        {% macro script(this, kwargs) %}
        import { {{ this.verb }} } from "kaart/{{ this.module }}";
        {{ this.verb }}({{ this._parent.get_name() }});
        {% endmacro %}
        """
    )

    def __init__(self, module: str, verb: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.module = module
        self.verb = verb
        self._name = f"{module}_{verb}"
        self._id = "layer"


@cache
def resident_map() -> Parts:
    """Build the map of residents: ground, outlines, pins. It holds constants only, so one copy serves every page."""
    page_map = PageMap()
    page_map.link(files.CLUSTER_STYLE, files.CLUSTER)
    for layer in (Layer("map", "furnish"), Layer("outlines", "drawOutlines"), Layer("resident", "showPlaces")):
        layer.add_to(page_map)
    return page_map.figure.parts()


@cache
def gap_map() -> Parts:
    """Build the map of gaps: ground, a choropleth coloured from the table beside it, and what is tried out on it."""
    page_map = PageMap()
    starts = (("map", "furnish"), ("gaps", "showGaps"), ("whatif", "tryPlaces"), ("siting", "findPlaces"))
    for layer in (Layer(module, verb) for module, verb in starts):
        layer.add_to(page_map)
    return page_map.figure.parts()


@cache
def spot_map() -> Parts:
    """Build the small map on which somebody tells where they live."""
    page_map = PageMap()
    for layer in (Layer("map", "furnish"), Layer("spot", "chooseSpot")):
        layer.add_to(page_map)
    return page_map.figure.parts()
