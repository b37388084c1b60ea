// Where somebody lives, told on a small map: a click, a drag, or a button that takes its middle. What is told stands in
// two fields of the form around the map, and goes nowhere before that form is sent.

import { fit, section } from "kaart/map";
import { layOutlines } from "kaart/outlines";

const DIGITS = 6; // of a degree: a tenth of a metre

const [lon, lat] = ["lon", "lat"].map((name) => document.getElementById(name));
const said = document.getElementById("spot-said");
const away = document.getElementById("spot-away");

/** Let the reader say where on this map, or nowhere. */
export async function chooseSpot(map) {
  const icon = L.divIcon({ className: "spot-pin", iconSize: [28, 28] });
  const pin = L.marker([0, 0], { icon, draggable: true, keyboard: false, alt: section.getAttribute("aria-label") });
  const put = (at) => {
    lon.value = at.lng.toFixed(DIGITS);
    lat.value = at.lat.toFixed(DIGITS);
    show();
  };
  const show = () => {
    const told = lon.value !== "" && lat.value !== "";
    if (told) pin.setLatLng([Number(lat.value), Number(lon.value)]).addTo(map);
    else pin.remove();
    away.hidden = !told;
    said.textContent = told ? said.dataset.told : said.dataset.none;
  };
  map.on("click", (event) => put(event.latlng));
  pin.on("dragend", () => put(pin.getLatLng()));
  document.getElementById("spot-middle").addEventListener("click", () => put(map.getCenter()));
  away.addEventListener("click", () => {
    lon.value = lat.value = "";
    show();
    document.getElementById("spot-middle").focus();
  });
  show();
  await drawNeighbourhoods(map);
  section.dataset.filled = "";
}

// The outlines show where one is, also without a ground; the neighbourhood that is chosen in the form comes into sight.
async function drawNeighbourhoods(map) {
  const layer = await layOutlines(map);
  if (!layer) return;
  const chosen = document.getElementById("neighbourhood");
  const look = () => {
    const shape = layer.getLayers().find(({ feature }) => feature.id === chosen.value);
    if (shape) fit(map, shape.getBounds()); // never the pin alone: a ground of tiles would tell its server where it is
  };
  chosen.addEventListener("change", look);
  look();
}
