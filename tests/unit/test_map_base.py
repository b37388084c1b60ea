"""The Folium tree: our own files only, nothing of a request in it, nothing shared between maps."""

import re

import folium
import pytest

from maps.base import PageMap
from maps.layers import gap_map, resident_map


@pytest.mark.parametrize("build", [resident_map, gap_map])
def test_a_map_links_files_of_our_own_and_no_host(build: object) -> None:
    parts = {resident_map: resident_map, gap_map: gap_map}[build]()  # type: ignore[index]
    links = re.findall(r'(?:src|href)="([^"]+)"', parts.header)
    assert links
    assert all(re.fullmatch(r"/static/vendor/[\w./-]+\?v=[0-9a-f]{12}", link) for link in links)
    assert "://" not in "".join(parts)


def test_a_map_sets_no_style_and_blocks_no_zoom() -> None:
    whole = "".join(resident_map())
    assert "style=" not in whole
    assert "<style" not in whole
    assert "viewport" not in whole
    assert "<script" not in resident_map().html + resident_map().script


def test_the_same_map_is_built_the_same_each_time() -> None:
    resident_map.cache_clear()
    first = resident_map()
    resident_map.cache_clear()
    assert resident_map() == first


def test_our_maps_leave_the_shared_lists_of_folium_alone() -> None:
    before = (list(folium.Map.default_js), list(folium.Map.default_css))
    page_map = PageMap()
    page_map.add_js_link("mine", "/mine.js")
    assert (folium.Map.default_js, folium.Map.default_css) == before
    assert PageMap().default_js == []
