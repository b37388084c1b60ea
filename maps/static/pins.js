// The pins: a mark per place or activity, gathered under a number where they crowd.

import { middle } from "kaart/geometry";
import { drawn, element, mark, number, say, still } from "kaart/page";
import { fit, room } from "kaart/map";

const SIZE = 30;
let raised = null; // key of the pin that is raised now
let chosen = null; // key of the pin whose card is open

const PinIcon = L.DivIcon.extend({
  createIcon(old) {
    const box = L.DivIcon.prototype.createIcon.call(this, old);
    const { kind, key, name, ageing } = this.options;
    box.replaceChildren(mark(kind));
    box.setAttribute("aria-label", `${name}, ${say(`kind_${kind}`)}`);
    box.classList.toggle("pin--ageing", ageing);
    box.classList.toggle("pin--raised", key === raised || key === chosen);
    box.dataset.key = key;
    return box;
  },
});

const ClusterIcon = L.DivIcon.extend({
  createIcon(old) {
    const box = L.DivIcon.prototype.createIcon.call(this, old);
    const { count, keys, kinds } = this.options;
    box.replaceChildren(ring(kinds), element("span", "cluster__number", number(count)));
    box.setAttribute("aria-label", say("cluster", { count: number(count) }));
    box.classList.toggle("cluster--raised", keys.has(raised) || keys.has(chosen));
    return box;
  },
});

// A ring that shows of which kinds the pins are that a cluster holds, each kind its share.
function ring(kinds) {
  const svg = drawn("svg", { class: "cluster__ring", viewBox: "0 0 42 42", "aria-hidden": "true" });
  let start = 0;
  for (const kind of new Set(kinds)) {
    const share = (100 * kinds.filter((other) => other === kind).length) / kinds.length;
    const dash = { "stroke-dasharray": `${share} ${100 - share}`, "stroke-dashoffset": String(-start) };
    svg.append(drawn("circle", { class: `mark--${kind}`, cx: 21, cy: 21, r: 18, pathLength: 100, ...dash }));
    start += share;
  }
  return svg;
}

/** Put a layer of pins on a map. `open` is called with the key of a pin that is activated. */
export function pinLayer(map, open) {
  const markers = new Map();
  const group = L.markerClusterGroup({
    animate: !still.matches,
    maxClusterRadius: 56,
    showCoverageOnHover: false,
    spiderLegPolylineOptions: { className: "spider-leg", weight: 1.5 },
    iconCreateFunction: (cluster) => {
      const options = cluster.getAllChildMarkers().map((marker) => marker.options);
      const keys = new Set(options.map(({ key }) => key));
      const kinds = options.map(({ kind }) => kind).sort();
      return new ClusterIcon({ className: "cluster", iconSize: [42, 42], count: options.length, keys, kinds });
    },
  }).addTo(map);
  map.on("zoomend", () => setTimeout(refresh, 0));

  function refresh() {
    for (const key of new Set([raised, chosen])) if (markers.has(key)) mend(key);
  }

  function mend(key) {
    const marker = markers.get(key);
    const shown = marker && group.getVisibleParent(marker);
    const box = shown?.getElement();
    if (!box) return;
    const up = shown === marker ? key === raised || key === chosen : holds(shown);
    box.classList.toggle(shown === marker ? "pin--raised" : "cluster--raised", up);
    shown.setZIndexOffset(up ? 1000 : 0);
  }

  const holds = (cluster) =>
    cluster.getAllChildMarkers().some(({ options }) => options.key === raised || options.key === chosen);

  return {
    /** Replace all pins by those of the found features. */
    show(found) {
      group.clearLayers();
      markers.clear();
      for (const feature of found) {
        const marker = pinOf(feature);
        if (!marker) continue;
        marker.on("click keypress", (event) => {
          if (event.type === "click" || event.originalEvent.key === "Enter") open(marker.options.key);
        });
        markers.set(marker.options.key, marker);
      }
      group.addLayers([...markers.values()]);
      refresh();
      document.dispatchEvent(new CustomEvent("kaart:pins"));
    },
    keys: () => [...markers.keys()],
    /** Bring all pins into sight. */
    fitAll() {
      if (markers.size) fit(map, group.getBounds());
    },
    raise(key) {
      const before = raised;
      raised = key;
      if (before && before !== key) mend(before);
      if (key) mend(key);
    },
    /** Mark the pin whose card is open, and bring it into sight. */
    choose(key) {
      const before = chosen;
      chosen = key;
      if (before && before !== key) mend(before);
      if (!key || !markers.has(key)) return;
      mend(key);
      map.panInside(markers.get(key).getLatLng(), { ...room(), animate: !still.matches });
    },
  };
}

function pinOf(feature) {
  const place = middle(feature.geometry);
  if (!place) return null;
  const { kind = "activity", name, title, confirmed_on: confirmedOn } = feature.properties;
  const key = `${feature.collection}/${feature.id}`;
  const words = name ?? title ?? "";
  const icon = new PinIcon({
    className: `pin pin--${kind}`,
    iconSize: [SIZE, SIZE],
    kind,
    key,
    name: words,
    ageing: isAgeing(confirmedOn),
  });
  return L.marker(place, { icon, key, kind, title: words, riseOnHover: true });
}

function isAgeing(confirmedOn) {
  return !confirmedOn || Date.now() - Date.parse(confirmedOn) > 365 * 86400 * 1000;
}
