// The ground of a map: tiles where there are any, controls in the reader's language, and where to look first.

import { narrow, say, still } from "kaart/page";

export const section = document.getElementById("map");

// Tiles are sharp at whole steps of zoom only; outlines are sharp at any, and so fill the room better.
const STEPS = { tiles: { zoomSnap: 1, zoomDelta: 1 }, outlines: { zoomSnap: 0.1, zoomDelta: 0.5 } };

/** Give the map its ground. Tiles are a background: when they fail, the outlines stand on a calm colour. */
export function furnish(map) {
  L.control.zoom({ position: "topright", zoomInTitle: say("zoom_in"), zoomOutTitle: say("zoom_out") }).addTo(map);
  L.control.scale({ imperial: false, position: "topright" }).addTo(map);
  map.getContainer().setAttribute("role", "group");
  map.getContainer().setAttribute("aria-label", section.getAttribute("aria-label"));
  layTiles(map);
  const bounds = boundsOf(section.dataset.bounds);
  if (bounds) fit(map, bounds, { animate: false });
  else map.setView([52.1, 5.3], 8, { animate: false });
  for (const name of ["pointerdown", "wheel", "keydown"]) {
    map.getContainer().addEventListener(name, () => (shown = null), { passive: true });
  }
  new ResizeObserver(() => fitAgain(map)).observe(section);
}

function layTiles(map) {
  const address = section.dataset.tiles;
  Object.assign(map.options, address ? STEPS.tiles : STEPS.outlines);
  if (!address) return;
  const tiles = L.tileLayer(address, { maxZoom: 19, className: "tiles", alt: "" });
  let loaded = false;
  tiles.once("tileload", () => {
    loaded = true;
    section.classList.add("map--tiled");
    section.querySelector("[data-credit]").hidden = false;
  });
  tiles.on("tileerror", () => {
    if (loaded || !map.hasLayer(tiles)) return;
    tiles.remove();
    Object.assign(map.options, STEPS.outlines);
    fitAgain(map);
  });
  tiles.addTo(map);
}

function boundsOf(written) {
  const [west, south, east, north] = (written ?? "").split(",").map(Number);
  return north === undefined ? null : L.latLngBounds([south, west], [north, east]);
}

const LOW = 320; // pixels; a lower map has no room to spare for buttons
const MOST_ZOOM = 15;
const MARGIN = [120, 120]; // pixels around what is in the middle, both sides together
let shown = null; // the area last brought into sight; null once somebody moved the map themselves

/** Show an area in the part of the map that legend and sheet leave free. */
export function fit(map, bounds, options = {}) {
  map.fitBounds(bounds, { ...room(), maxZoom: 16, animate: !still.matches, ...options });
  shown = bounds;
}

/** Show the same area again where there is more or less room for it now, unless somebody moved the map. */
export function fitAgain(map) {
  map.invalidateSize({ pan: false });
  if (shown) fit(map, shown, { animate: false });
}

/** Bring an area into the middle of the map, under the cross, and let it stay there. */
export function centre(map, bounds) {
  map.invalidateSize({ pan: false });
  map.setView(bounds.getCenter(), Math.min(MOST_ZOOM, map.getBoundsZoom(bounds, false, MARGIN)), { animate: false });
  shown = null;
}

/** Give the padding within which things are in sight: beside the legend, below a banner or buttons, on a narrow screen above the sheet. */
export function room() {
  const panel = document.getElementById("panel");
  const [legend, ...bars] = ["legend", "banner", ...(section.clientHeight < LOW ? [] : ["tools"])].map((id) => document.getElementById(id));
  const dock = document.querySelector(".dock:not([hidden])") ?? panel;
  const covered = narrow.matches && dock ? Math.min(coveredBy(dock), section.clientHeight * 0.6) : 0;
  const above = Math.max(...bars.map((bar) => bar?.offsetHeight ?? 0)); // what is hidden has no height
  const beside = legend && !narrow.matches ? legend.offsetWidth + 12 : 0;
  return { paddingTopLeft: [24 + beside, 24 + above], paddingBottomRight: [narrow.matches ? 24 : 60, 24 + covered] };
}

function coveredBy(panel) {
  return Math.max(0, section.getBoundingClientRect().bottom - panel.getBoundingClientRect().top);
}
