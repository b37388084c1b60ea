// Neighbours who offer something: for who is signed in, and only when asked for. Their spots are moved on purpose.

import { features } from "kaart/fetching";
import { room, section } from "kaart/map";
import { element, language, mark, number, say, showFailure, still } from "kaart/page";

const SIZE = 34;
const notice = section.querySelector("[data-notice]");

const NeighbourIcon = L.DivIcon.extend({
  createIcon(old) {
    const box = L.DivIcon.prototype.createIcon.call(this, old);
    const { count } = this.options;
    box.replaceChildren(mark("neighbour"));
    if (count) box.append(element("span", "neighbour__count", number(count)));
    box.setAttribute("aria-label", count ? say("neighbours", { count: number(count) }) : say("neighbour"));
    return box;
  },
});

const widened = (pixels) => pixels + SIZE; // so that the mark and its soft edge are in sight too
const icon = (count = 0) => new NeighbourIcon({ className: "neighbour", iconSize: [SIZE, SIZE], count });

/** Make the switch work, where there is one. `open` is called with the card of a neighbour.
 *
 * `again` asks anew, for the service that is chosen; `release` no longer marks the neighbour whose card was open. */
export function neighbourLayer(map, open) {
  const button = document.getElementById("neighbours");
  const note = document.getElementById("neighbours-note");
  const services = document.getElementById("service");
  let fetching = null;
  let chosen = null;
  if (!button) return { again() {}, release() {} };
  button.hidden = false;
  const group = L.markerClusterGroup({
    animate: !still.matches,
    maxClusterRadius: 30,
    showCoverageOnHover: false,
    spiderLegPolylineOptions: { className: "spider-leg", weight: 1.5 },
    iconCreateFunction: (cluster) => icon(cluster.getChildCount()),
  });

  const isOn = () => button.getAttribute("aria-pressed") === "true";

  function tell(text) {
    note.textContent = text;
    note.hidden = !text;
  }

  async function ask() {
    fetching?.abort();
    if (!isOn()) return;
    const mine = (fetching = new AbortController());
    const service = services.value ? `&service=${encodeURIComponent(services.value)}` : "";
    try {
      const found = await features(button.dataset.source + service, mine.signal, "same-origin");
      group.clearLayers();
      group.addLayers(found.map(marker));
      map.addLayer(group);
      const none = services.value ? say("neighbours_none") : say("neighbours_nobody");
      tell(found.length ? say("neighbours_on") : none);
    } catch (problem) {
      if (problem.name === "AbortError") return;
      turn(false);
      showFailure(notice, say("neighbours_failed"), () => {
        notice.hidden = true;
        turn(true);
      });
    }
  }

  function turn(on) {
    button.setAttribute("aria-pressed", String(on));
    fetching?.abort();
    if (on) return ask();
    group.clearLayers();
    map.removeLayer(group);
    tell("");
  }

  function marker({ geometry, properties }) {
    const [lon, lat] = geometry.coordinates;
    const made = L.marker([lat, lon], { icon: icon(), title: say("neighbour"), riseOnHover: true });
    made.on("click keypress", (event) => {
      if (event.type !== "click" && event.originalEvent.key !== "Enter") return;
      open(card(properties, services));
      chosen = made;
      made.getElement()?.classList.add("neighbour--chosen");
      made.setZIndexOffset(1000); // the mark of places that stand there too would hide it
      const { paddingTopLeft, paddingBottomRight } = room();
      const wide = { paddingTopLeft: paddingTopLeft.map(widened), paddingBottomRight: paddingBottomRight.map(widened) };
      map.panInside(made.getLatLng(), { ...wide, animate: !still.matches });
    });
    return made;
  }

  function release() {
    chosen?.getElement()?.classList.remove("neighbour--chosen");
    chosen?.setZIndexOffset(0);
    chosen = null;
  }

  button.addEventListener("click", () => turn(!isOn()));
  return { again: ask, release };
}

function card({ services, target_groups: groups, languages }, labels) {
  const made = document.getElementById("neighbour").content.firstElementChild.cloneNode(true);
  const label = (key) => [...labels.options].find((option) => option.value === key)?.textContent ?? key;
  fill(made.querySelector("[data-services]"), services.map(label));
  const told = made.querySelector("[data-groups]");
  const groupLabels = JSON.parse(told.dataset.labels);
  fill(told, groups.map((key) => groupLabels[key] ?? key));
  const names = new Intl.DisplayNames([language], { type: "language" });
  fill(made.querySelector("[data-languages]"), languages.map((code) => names.of(code)));
  return made;
}

// What is not told has no heading either.
function fill(box, words) {
  if (!words.length) box.parentElement.remove();
  box.replaceChildren(...words.map((word) => element("p", "", word)));
}
