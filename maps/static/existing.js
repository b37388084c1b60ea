// The places that there are already, as small marks: beside them one sees where another would help.

import { features } from "kaart/fetching";
import { middle } from "kaart/geometry";
import { element, mark } from "kaart/page";

const SIZE = 20;
const MOST = 1000;

let shown = null; // the marks on the map, and of which subject they are
let asked = "";

const MarkIcon = L.DivIcon.extend({
  createIcon(old) {
    const box = L.DivIcon.prototype.createIcon.call(this, old);
    box.replaceChildren(mark(this.options.kind));
    return box;
  },
});

/** Show the places of a subject ({kind} or {service}) on a map; null takes them off. The map works without them. */
export async function showExisting(map, subject) {
  const wanted = subject ? new URLSearchParams({ ...subject, limit: MOST }).toString() : "";
  if (wanted === asked) return;
  asked = wanted;
  shown?.remove();
  shown = null;
  if (!wanted) return;
  try {
    const found = await features(`/v1/collections/assets/items?${wanted}`);
    if (asked !== wanted) return;
    shown = L.layerGroup(found.flatMap(markerOf)).addTo(map);
    document.dispatchEvent(new CustomEvent("kaart:pins"));
  } catch {
    asked = "";
  }
}

function markerOf({ geometry, properties: { kind, name } }) {
  const place = middle(geometry);
  if (!place) return [];
  const icon = new MarkIcon({ className: "existing", iconSize: [SIZE, SIZE], kind });
  const words = element("span", "", name);
  return [L.marker(place, { icon, keyboard: false, alt: name }).bindTooltip(words, { className: "hover-label", direction: "top" })];
}
