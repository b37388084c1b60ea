"""Our own Folium map: Leaflet from our own files, nothing in the tree but constants, and no page of its own.

Folium evaluates every string in its tree as a Jinja template, on the server. So no record, no setting and nothing a
visitor sent ever enters it: the tree holds the skeleton of a map, the same for every request, and the page around it
(an autoescaping template) carries the data. `parts` hands over what the tree rendered.
"""

from typing import NamedTuple

from branca.element import CssLink, Element, Figure, JavascriptLink
from folium import Map
from folium.template import Template
from markupsafe import Markup

from maps import files

MAP_NAME = "kaart_map"


class Parts(NamedTuple):
    """What a rendered map gives to a page: links for the head, the empty map, and the body of one module script."""

    header: Markup
    html: Markup
    script: Markup


class LaterScript(JavascriptLink):
    """A link to a script that waits for the page, as our modules do: Leaflet runs before them."""

    _template = Template('<script src="{{ this.url }}" defer></script>')


class Style(CssLink):
    """A link to a stylesheet."""

    _template = Template('<link rel="stylesheet" href="{{ this.url }}">')


class PageFigure(Figure):
    """A figure that is no document: the page that holds it has the language, the title and the nonce."""

    _template = Template("{{ this.header.render() }}{{ this.html.render() }}{{ this.script.render() }}")

    def __init__(self) -> None:
        super().__init__()
        self.header = Element()  # without the content-type that a branca figure puts there

    def parts(self) -> Parts:
        """Render the tree and give its three parts."""
        self.render()
        header, html, script = (part.render() for part in (self.header, self.html, self.script))
        return Parts(Markup(header), Markup(html), Markup(script.strip()))  # constants  # noqa: S704


class PageMap(Map):
    """A Leaflet map that fills the place the page gives it.

    Zooming with two fingers stays allowed. Tiles, controls and their words are set by static/map.js, which reads them
    from the page. Folium's shared lists of links are neither read nor changed.
    """

    _template = Template(
        """
        {% macro html(this, kwargs) %}<div class="map__canvas" id="{{ this.get_name() }}"></div>{% endmacro %}
        {% macro script(this, kwargs) %}
        const {{ this.get_name() }} = L.map({{ this.get_name()|tojson }}, {{ this.options|tojson }});
        {% endmacro %}
        """
    )

    def __init__(self) -> None:
        super().__init__(tiles=None, zoom_control=False)
        self.default_js, self.default_css = [], []  # of this map alone: the lists of the class are shared by all maps
        self.options = {
            "attributionControl": False,
            "zoomControl": False,
            "minZoom": 7,
            "maxZoom": 18,
        }
        self.figure = PageFigure()
        self.figure.add_child(self)
        self.link(files.LEAFLET_STYLE, files.LEAFLET)

    def link(self, style: str, script: str) -> None:
        """Have the page link two of our own files, after those that were linked before."""
        self.figure.header.add_child(Style(files.address(style)), name=style)
        self.figure.header.add_child(LaterScript(files.address(script)), name=script)

    def get_name(self) -> str:
        """Give the one name that the map has as a variable and as an element; a page holds one map."""
        return MAP_NAME
