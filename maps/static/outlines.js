// The outlines of the neighbourhoods, with their names where there is room for them.

import { features } from "kaart/fetching";
import { fit, section } from "kaart/map";
import { element } from "kaart/page";

const SHIFTS = [0, -32, 32, -52, 52]; // pixels that a name may move to get out of the way
const SETTLED_MS = 320; // by then the clusters have come to rest

/** Lay the outlines whose address the page gives, with their names; null where they cannot be had. */
export async function layOutlines(map) {
  let found;
  try {
    found = await features(section.dataset.outlines);
  } catch {
    return null;
  }
  const layer = L.geoJSON(found, {
    interactive: false,
    style: { className: "outline" },
    onEachFeature: (feature, shape) => nameShape(map, shape, feature.properties.name),
  }).addTo(map);
  layer.bringToBack();
  keepNamesApart(map, layer);
  return layer;
}

/** Draw the outlines, and bring the chosen one into sight; the map works without them. */
export async function drawOutlines(map) {
  const layer = await layOutlines(map);
  if (!layer) return;
  document.addEventListener("kaart:chosen", (event) => choose(map, layer, event.detail));
  choose(map, layer, document.getElementById("list").dataset.neighbourhood);
}

/** Set a name in the middle of a shape, under the pins. */
export function nameShape(map, shape, name) {
  if (!map.getPane("names")) map.createPane("names").style.zIndex = "450";
  const words = element("span", "", name);
  shape.bindTooltip(words, { permanent: true, direction: "center", className: "place-name", pane: "names", opacity: 1 });
}

/** Show only names that fit within their shape and touch neither a pin nor another name; again after every change.
 *
 * A name may move up or down a little to get out of the way. That of the chosen one goes first, and may stick out. */
export function keepNamesApart(map, layer, shifts = SHIFTS) {
  const arrange = () => {
    const taken = [...map.getPanes().markerPane.children].map((pin) => pin.getBoundingClientRect());
    for (const shape of layer.getLayers().sort((a, b) => isChosen(b) - isChosen(a))) {
      const box = shape.getTooltip()?.getElement();
      if (box) settle(box, isChosen(shape) ? Infinity : widthOf(map, shape), taken, shifts);
    }
  };
  let waiting = 0;
  const later = () => {
    clearTimeout(waiting);
    waiting = setTimeout(arrange, SETTLED_MS);
  };
  map.on("zoomend resize", later);
  document.addEventListener("kaart:pins", later);
  arrange();
}

function settle(box, width, taken, shifts) {
  const words = box.firstElementChild;
  words.style.translate = "";
  const at = words.getBoundingClientRect();
  const fits = width > at.width * 0.95;
  const shift = fits ? shifts.find((y) => !taken.some((other) => touches(at, y, other))) : undefined;
  box.classList.toggle("place-name--hidden", shift === undefined);
  if (shift === undefined) return;
  words.style.translate = `0 ${shift}px`;
  taken.push(new DOMRect(at.x, at.y + shift, at.width, at.height));
}

const isChosen = (shape) => Boolean(shape.getElement()?.classList.contains("gap-area--chosen"));

function touches(box, shift, other) {
  const [top, bottom] = [box.top + shift, box.bottom + shift];
  return box.left < other.right && other.left < box.right && top < other.bottom && other.top < bottom;
}

function widthOf(map, shape) {
  const bounds = shape.getBounds();
  return map.latLngToLayerPoint(bounds.getNorthEast()).x - map.latLngToLayerPoint(bounds.getNorthWest()).x;
}

function choose(map, layer, id) {
  layer.eachLayer((shape) => {
    const chosen = Boolean(id) && shape.feature.id === id;
    shape.getElement()?.classList.toggle("outline--chosen", chosen);
    if (chosen) fit(map, shape.getBounds());
  });
}
