// Where a new place would help most: asked of the server, shown as numbered pins, taken over as a what-if.

import { ask, Refusal } from "kaart/asking";
import { showExisting } from "kaart/existing";
import { nameAt } from "kaart/gaps";
import { fit } from "kaart/map";
import { element, number, say, showFailure } from "kaart/page";
import { add, plans } from "kaart/whatif";

const list = document.getElementById("list");
const [dock, form, busy, words, told] = ["siting", "siting-form", "siting-busy", "siting-words", "siting-told"].map((id) =>
  document.getElementById(id),
);
const A_SECOND = 1000;

let under_way = null;
let map = null;
const pins = [];

/** Start the button and the form. */
export function findPlaces(ofMap) {
  map = ofMap;
  document.getElementById("best").addEventListener("click", () => open());
  document.getElementById("card").addEventListener("click", (event) => {
    const here = event.target.closest("[data-best-here]");
    if (here) open(here.closest("article").dataset.id);
  });
  document.getElementById("siting-close").addEventListener("click", close);
  document.getElementById("siting-stop").addEventListener("click", () => under_way?.abort());
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    look();
  });
  window.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
  });
  document.addEventListener("kaart:list", close);
  document.addEventListener("kaart:tried", close);
}

function open(within = "") {
  document.dispatchEvent(new CustomEvent("kaart:plan"));
  document.getElementById("plan").hidden = true;
  choices(within);
  told.replaceChildren();
  dock.hidden = false;
  showExisting(map, plans().subject);
  map.invalidateSize({ pan: false });
  document.getElementById("siting-title").focus({ preventScroll: true });
}

function close() {
  if (dock.hidden) return;
  under_way?.abort();
  const inside = dock.contains(document.activeElement);
  dock.hidden = true;
  if (inside) document.getElementById("best").focus();
  showExisting(map, null);
  document.dispatchEvent(new CustomEvent("kaart:over"));
  for (const pin of pins.splice(0)) pin.remove();
  map.invalidateSize({ pan: false });
}

// Where to look: in a whole municipality, or in one of the neighbourhoods of the ranking.
function choices(within) {
  const { sites, subject, whole } = plans();
  const counts = Array.from({ length: sites }, (_, at) => new Option(number(at + 1), String(at + 1)));
  form.elements.p.replaceChildren(...counts);
  const rows = [...list.querySelectorAll(".ranking__row")].map(({ dataset }) => new Option(dataset.name, dataset.id));
  rows.sort((a, b) => a.text.localeCompare(b.text));
  const all = whole.map(({ id, name }) => new Option(name, id));
  const parts = rows.filter(({ value }) => !whole.some(({ id }) => id === value));
  form.elements.within.replaceChildren(...all, ...parts);
  form.elements.within.value = within || form.elements.within.options[0]?.value;
  for (const option of form.elements.candidates.options) option.hidden = option.disabled = option.value === subject.kind;
}

function question() {
  const { p, within, candidates } = form.elements;
  const from = candidates.value === "lattice" ? { candidates: "lattice" } : { candidates: "assets", candidate_kind: candidates.value };
  return { ...plans().subject, p: Number(p.value), within: within.value, ...from, exact: true };
}

async function look() {
  under_way?.abort();
  const mine = (under_way = new AbortController());
  for (const pin of pins.splice(0)) pin.remove();
  told.replaceChildren();
  const stop = wait();
  try {
    tell(await ask("/v1/coverage/siting", question(), mine.signal));
  } catch (problem) {
    if (problem.name === "AbortError") return;
    if (!(problem instanceof Refusal)) throw problem;
    showFailure(told, problem.message, look);
  } finally {
    stop();
  }
}

function wait() {
  const began = Date.now();
  const tick = () => {
    words.textContent = say("siting_busy", { seconds: number((Date.now() - began) / A_SECOND) });
  };
  tick();
  busy.hidden = false;
  const ticking = setInterval(tick, A_SECOND);
  return () => {
    clearInterval(ticking);
    busy.hidden = true;
  };
}

/* ---- the answer ---- */

function tell(answer) {
  const { sites } = answer;
  const gained = sites.reduce((sum, site) => sum + site.gained, 0);
  if (!sites.length || Math.round(gained) === 0) {
    told.replaceChildren(element("p", "utrecht-paragraph card__lead", say("siting_none")));
    return;
  }
  const values = { gained: number(gained), uncovered: number(answer.uncovered_before) };
  const lead = element("p", "utrecht-paragraph card__lead", say("siting_gained", values));
  const sure = element("p", "utrecht-paragraph", boundWords(answer));
  const rows = element("ol", "siting__sites");
  rows.append(...sites.map(siteRow));
  const take = element("button", "utrecht-button utrecht-button--primary-action", say("siting_take"));
  take.type = "button";
  take.addEventListener("click", () => {
    close();
    add(sites);
  });
  const left = element("div", "gap__told");
  left.append(lead, sure, take);
  const columns = element("div", "gap__columns");
  columns.append(left, rows);
  told.replaceChildren(columns);
  drawPins(sites);
}

function boundWords({ proven, covered, bound }) {
  if (proven) return say("siting_proven");
  const more = covered > 0 ? Math.max(1, Math.round((100 * (bound - covered)) / covered)) : 100;
  return say("siting_bound", { percent: number(more) });
}

function siteRow(site) {
  const name = nameAt(site);
  const row = element("li", "siting__site");
  row.append(element("b", "", name || say("siting_outside")), ` ${say("siting_site", { count: number(site.gained) })}`);
  const near = site.alternatives?.length ?? 0;
  if (near) row.append(element("span", "siting__near", near === 1 ? say("siting_near_one") : say("siting_near", { count: number(near) })));
  return row;
}

const SiteIcon = L.DivIcon.extend({
  createIcon(old) {
    const box = L.DivIcon.prototype.createIcon.call(this, old);
    box.replaceChildren(element("span", "", this.options.sign));
    return box;
  },
});

function drawPins(sites) {
  for (const [at, site] of sites.entries()) {
    for (const { lat, lon } of site.alternatives ?? []) {
      pins.push(L.circleMarker([lat, lon], { className: "plan-near", radius: 7, interactive: false }).addTo(map));
    }
    const icon = new SiteIcon({ className: "plan-pin plan-pin--site", iconSize: [32, 32], sign: number(at + 1) });
    const title = `${number(at + 1)}: ${nameAt(site)}`;
    pins.push(L.marker([site.lat, site.lon], { icon, title, alt: title, zIndexOffset: 1000 }).addTo(map));
  }
  map.invalidateSize({ pan: false }); // what is told took room from the map
  fit(map, L.latLngBounds(sites.map(({ lat, lon }) => [lat, lon])).pad(0.5), { maxZoom: 15 });
}
