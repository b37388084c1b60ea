// The page of gaps: neighbourhoods coloured from the table beside the map, which is the one place where figures stand.

import { cardIsOpen, closeCard, openCard } from "kaart/card";
import { features } from "kaart/fetching";
import { holds } from "kaart/geometry";
import { liveForm } from "kaart/list";
import { centre, fit, fitAgain, section } from "kaart/map";
import { keepNamesApart, nameShape } from "kaart/outlines";
import { drawn, element, narrow, say, showFailure } from "kaart/page";
import { makeSheet } from "kaart/sheet";

const list = document.getElementById("list");
const notice = section.querySelector("[data-notice]");
const shapes = new Map(); // neighbourhood → its shape on the map

/** Start the page. */
export function showGaps(map) {
  const sheet = makeSheet(() => fitAgain(map));
  let changed = new Map(); // neighbourhood → class and words, while something is tried out
  let layer = null;
  let source = "";
  let chosen = null;
  let title = document.title;
  let listAddress = window.location.pathname + window.location.search;
  const label = hoverLabel(map);

  async function fill() {
    delete section.dataset.filled;
    try {
      if (list.dataset.gaps && list.dataset.gaps !== source) draw(await features(list.dataset.gaps));
      if (!list.dataset.gaps) layer?.remove();
      source = list.dataset.gaps ?? "";
      notice.hidden = true;
      colour();
      section.dataset.filled = "yes";
    } catch {
      showFailure(notice, say("map_failed"), fill);
      section.dataset.filled = "failed";
    }
  }

  function draw(found) {
    layer?.remove();
    shapes.clear();
    layer = L.geoJSON(once(found), {
      style: { className: "gap-area", fillColor: "url(#hatch)" },
      onEachFeature: (feature, shape) => {
        shapes.set(feature.properties.neighbourhood, shape);
        nameShape(map, shape, feature.properties.name);
        listen(feature.properties.neighbourhood, shape);
      },
    }).addTo(map);
    fit(map, layer.getBounds(), { animate: false });
    keepNamesApart(map, layer, [0, -12, 12]);
    hatch(map);
  }

  function colour() {
    for (const [id, shape] of shapes) {
      const box = shape.getElement();
      const row = rowOf(id);
      box.dataset.band = changed.get(id)?.band ?? row?.dataset.band ?? "unknown";
      box.dataset.id = id;
      if (row) tellChange(row, box.dataset.band, changed.get(id)?.value);
      const name = shape.getTooltip().getElement();
      if (name) name.dataset.band = box.dataset.band;
    }
  }

  function listen(id, shape) {
    shape.on("mouseover", (event) => point(id, event.latlng));
    shape.on("mousemove", (event) => label.move(event.latlng));
    shape.on("mouseout", () => point(null));
    shape.on("click", () => {
      if (!section.dataset.aiming) open(id);
    });
  }

  function point(id, at) {
    for (const [other, shape] of shapes) {
      shape.getElement()?.classList.toggle("gap-area--pointed", other === id);
      if (other === id) shape.bringToFront();
    }
    for (const row of list.querySelectorAll(".ranking__row")) row.classList.toggle("ranking__row--pointed", row.dataset.id === id);
    const row = id && rowOf(id);
    if (row && at) label.show(at, row.dataset.name, changed.get(id)?.value ?? row.dataset.value);
    else label.hide();
  }

  function open(id, address = rowOf(id)?.dataset.href, push = true) {
    if (!address) return;
    openCard(address, {
      push,
      done: () => {
        choose(id);
        sheet.set("peek");
        document.dispatchEvent(new CustomEvent("kaart:card"));
      },
    });
  }

  function choose(id) {
    chosen = id;
    for (const [other, shape] of shapes) shape.getElement()?.classList.toggle("gap-area--chosen", other === id);
    for (const row of list.querySelectorAll(".ranking__row")) row.classList.toggle("ranking__row--chosen", row.dataset.id === id);
    const shape = shapes.get(id);
    document.dispatchEvent(new CustomEvent("kaart:pins")); // its name goes before those of others
    if (!shape) return;
    shape.bringToFront();
    fitAgain(map); // the card takes room from the map
    if (!narrow.matches) rowOf(id)?.scrollIntoView({ block: "nearest" });
  }

  function close() {
    if (cardIsOpen()) sheet.atLeast("half");
    closeCard();
    document.title = title;
    choose(null);
  }

  const load = liveForm(document.getElementById("filters"), {
    parts: ["#list", ".map__corner"],
    address: addressOf,
    swapped: (fresh) => {
      foldLegend();
      renewChoices(fresh);
      listAddress = window.location.pathname + window.location.search;
      title = document.title;
      const again = chosen && cardIsOpen() && rowOf(chosen)?.dataset.href;
      const id = chosen;
      close();
      fill();
      if (again) open(id, again, false);
      document.dispatchEvent(new CustomEvent("kaart:list"));
    },
  });

  list.addEventListener("click", (event) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey) return;
    const sort = event.target.closest(".ranking__sort");
    const row = event.target.closest(".ranking__row");
    if (sort) {
      event.preventDefault();
      load(sort.getAttribute("href"));
    } else if (row) {
      event.preventDefault();
      open(row.dataset.id);
    }
  });
  for (const name of ["mouseover", "focusin"]) {
    list.addEventListener(name, (event) => point(event.target.closest(".ranking__row")?.dataset.id ?? null));
  }
  for (const name of ["mouseleave", "focusout"]) list.addEventListener(name, () => point(null));
  document.getElementById("back").addEventListener("click", () => {
    history.pushState({}, "", listAddress);
    close();
  });
  window.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && cardIsOpen() && !section.dataset.aiming) document.getElementById("back").click();
  });
  window.addEventListener("popstate", () => {
    const address = window.location.pathname + window.location.search;
    const id = /^\/gaps\/([^/?]+)/.exec(window.location.pathname)?.[1];
    if (id) return open(decodeURIComponent(id), address, false);
    close();
    if (address !== listAddress) load(address, false);
  });
  document.addEventListener("kaart:whatif", (event) => {
    changed = event.detail.changed;
    colour();
    const bounds = L.latLngBounds(event.detail.spots);
    for (const id of changed.keys()) if (shapes.has(id)) bounds.extend(shapes.get(id).getBounds());
    if (changed.size && (narrow.matches || !map.getBounds().contains(bounds))) fit(map, bounds);
  });
  // Whoever tries something out needs to see the map.
  document.addEventListener("kaart:plan", () => {
    if (cardIsOpen()) document.getElementById("back").click();
    sheet.set("peek");
    fitAgain(map);
  });
  document.addEventListener("kaart:here", (event) => {
    const shape = shapes.get(event.detail);
    if (shape) centre(map, shape.getBounds());
  });
  document.addEventListener("kaart:over", () => sheet.atLeast("half"));
  foldLegend();
  fill();
}

/** Name the neighbourhood in which a place lies; empty where it lies in none. */
export function nameAt({ lat, lon }) {
  for (const shape of shapes.values()) {
    if (holds(shape.feature.geometry, { lat, lon })) return shape.feature.properties.name;
  }
  return "";
}

// What can be chosen depends on what was chosen: each list of choices is renewed where it stands, focus and all.
function renewChoices(fresh) {
  for (const field of document.getElementById("filters").querySelectorAll("select")) {
    const made = fresh.getElementById(field.id);
    if (!made) continue;
    field.replaceChildren(...made.cloneNode(true).childNodes);
    field.value = made.value;
  }
}

// On a narrow screen the map needs the room that an open legend takes.
function foldLegend() {
  if (narrow.matches) document.getElementById("legend")?.removeAttribute("open");
}

// Volunteers stand in the data once for all services and once per service: one shape for each neighbourhood will do.
function once(found) {
  const seen = new Map();
  for (const feature of found) if (feature.geometry) seen.set(feature.properties.neighbourhood, feature);
  return [...seen.values()];
}

// What a neighbourhood would become stands in its row for as long as something is tried out.
function tellChange(row, band, value) {
  row.querySelector(".swatch").className = `swatch swatch--${band}`;
  row.classList.toggle("ranking__row--changed", Boolean(value));
  row.querySelector(".ranking__new")?.remove();
  if (value) row.querySelector(".ranking__place").after(element("span", "ranking__new", say("plan_becomes", { value })));
}

const rowOf = (id) => list.querySelector(`.ranking__row[data-id="${CSS.escape(id)}"]`);

// The form holds one field for the subject; the address names a kind or a service.
function addressOf(form) {
  const asked = new URLSearchParams();
  const [name, key] = form.elements.what.value.split(":");
  if (name === "volunteer") asked.set("kind", name);
  asked.set(name === "volunteer" ? "service" : name, key);
  asked.set("level", form.elements.level.value);
  for (const [field, plain] of Object.entries({ measure: "gap", group: "everyone", run: "" })) {
    const value = form.elements[field].value;
    if (value !== plain && value !== "volunteers") asked.set(field, value);
  }
  const before = new URLSearchParams(window.location.search);
  const same = ["kind", "service", "measure", "group"].every((name) => before.get(name) === asked.get(name));
  if (same && before.has("sort")) asked.set("sort", before.get("sort"));
  return `/gaps?${asked}`;
}

// The name and the value follow the pointer.
function hoverLabel(map) {
  const words = element("span", "");
  const [name, value] = [element("b", ""), element("span", "")];
  words.append(name, value);
  const tip = L.tooltip({ className: "hover-label", direction: "top", offset: [0, -12], opacity: 1 }).setContent(words);
  return {
    show(at, title, figure) {
      name.textContent = title;
      value.textContent = figure;
      tip.setLatLng(at).addTo(map);
    },
    move: (at) => tip.setLatLng(at),
    hide: () => tip.remove(),
  };
}

// The hatching of what is unknown, as a pattern inside Leaflet's own drawing.
function hatch(map) {
  const svg = map.getPanes().overlayPane.querySelector("svg");
  if (!svg || svg.querySelector("#hatch")) return;
  const size = { width: 7, height: 7 };
  const pattern = drawn(
    "pattern",
    { id: "hatch", patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)", ...size },
    drawn("rect", { ...size, class: "hatch__ground" }),
    drawn("rect", { width: 2, height: 7, class: "hatch__line" }),
  );
  svg.prepend(drawn("defs", {}, pattern));
}
