// What if a place comes, or one closes: tried out on the map, one thing after another, and stored nowhere.

import { ask, Refusal } from "kaart/asking";
import { colouring, coloured } from "kaart/colours";
import { showExisting } from "kaart/existing";
import { nameAt } from "kaart/gaps";
import { fitAgain, section } from "kaart/map";
import { element, number, say, showFailure } from "kaart/page";

const list = document.getElementById("list");
const [tools, banner, hint, aim, dock, told] = ["tools", "banner", "banner-hint", "aim", "plan", "plan-told"].map((id) =>
  document.getElementById(id),
);
const [placeHere, showPlan, undo, allBack] = ["place-here", "show-plan", "undo", "all-back"].map((id) =>
  document.getElementById(id),
);

const TOLD = new Set(["gap", "covered_share"]); // what an answer tells of a neighbourhood

let edits = []; // {kind: "add" | "close", lat, lon, name, asset}
let answer = null; // what the server said of all edits together
let subject = ""; // of which the edits are
let under_way = null;
let map = null;
const pins = [];

/** Give what can be tried out with the figures that are shown; null where nothing can. */
export const plans = () => (list.dataset.plans ? JSON.parse(list.dataset.plans) : null);

/** Start the buttons. */
export function tryPlaces(ofMap) {
  map = ofMap;
  map.on("click", ({ latlng }) => {
    if (section.dataset.aiming) add([{ lat: latlng.lat, lon: latlng.lng }]);
  });
  document.getElementById("try").addEventListener("click", takeAim);
  placeHere.addEventListener("click", addInTheMiddle);
  map.getContainer().addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target === map.getContainer() && section.dataset.aiming) addInTheMiddle();
  });
  showPlan.addEventListener("click", () => show(true));
  document.getElementById("plan-close").addEventListener("click", () => show(false));
  undo.addEventListener("click", () => {
    edits.pop();
    if (edits.length) reckon();
    else putBack();
  });
  allBack.addEventListener("click", putBack);
  window.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && section.dataset.aiming) dropAim();
  });
  document.getElementById("card").addEventListener("click", (event) => {
    const closing = event.target.closest("[data-try-closing]");
    if (closing) close(closing.dataset);
    const here = event.target.closest("[data-try-here]")?.closest("article").dataset.id;
    if (here) takeAim();
    if (here) document.dispatchEvent(new CustomEvent("kaart:here", { detail: here }));
  });
  document.addEventListener("kaart:card", offer);
  document.addEventListener("kaart:list", renewed);
  renewed();
}

/** Try new places beside all that is tried already. `spots` hold lat and lon. */
export function add(spots) {
  dropAim();
  edits.push(...spots.map(({ lat, lon }) => ({ kind: "add", lat, lon, name: nameAt({ lat, lon }) })));
  reckon();
}

function addInTheMiddle() {
  const { lat, lng } = map.getCenter();
  add([{ lat, lon: lng }]);
}

function close({ tryClosing, name, lat, lon }) {
  if (edits.some((edit) => edit.asset === tryClosing)) return show(true);
  edits.push({ kind: "close", asset: tryClosing, name, lat: Number(lat), lon: lat === undefined ? null : Number(lon) });
  reckon();
}

// The list was fetched anew: other colours, another level, or another subject, with which the edits make no sense.
function renewed() {
  const now = plans();
  const about = now ? JSON.stringify(now.subject) : "";
  tools.hidden = !now || edits.length > 0;
  if (about !== subject) putBack();
  else if (answer) recolour();
  subject = about;
}

function offer() {
  for (const part of document.querySelectorAll("#card [data-plans-here], #card [data-try-closing]")) part.hidden = !plans();
}

function takeAim() {
  document.dispatchEvent(new CustomEvent("kaart:plan"));
  showGap();
  show(false);
  section.dataset.aiming = "yes";
  renewBanner();
  map.getContainer().focus({ preventScroll: true });
}

function dropAim() {
  delete section.dataset.aiming;
  renewBanner();
}

function renewBanner() {
  const aiming = Boolean(section.dataset.aiming);
  banner.hidden = !aiming && !edits.length;
  tools.hidden = !banner.hidden || !plans();
  aim.hidden = placeHere.hidden = !aiming;
  undo.hidden = aiming || !edits.length;
  showPlan.hidden = aiming || !edits.length || !dock.hidden;
  hint.textContent = aiming ? say("plan_where", { one: plans().one }) : "";
  showExisting(map, banner.hidden ? null : plans()?.subject);
}

// What is tried out is told in the gap score and in residents beyond reach: another measure would stay as it is.
function showGap() {
  if (TOLD.has(colouring()?.field)) return;
  const field = document.getElementById("measure");
  field.value = "gap";
  field.dispatchEvent(new Event("change", { bubbles: true }));
}

async function reckon() {
  document.dispatchEvent(new CustomEvent("kaart:plan"));
  showGap();
  drawPins();
  renewBanner();
  under_way?.abort();
  const mine = (under_way = new AbortController());
  told.replaceChildren(waiting());
  show(true);
  try {
    answer = await ask("/v1/coverage/what-if", question(), mine.signal);
    answer.neighbourhoods = answer.neighbourhoods.filter(differs);
    tell();
  } catch (problem) {
    if (problem.name === "AbortError") return;
    if (!(problem instanceof Refusal)) throw problem;
    answer = null;
    showFailure(told, problem.message, reckon);
  }
  recolour();
}

// What is told in whole numbers has changed when those have.
function differs({ before, after }) {
  return ["uncovered", "gap"].some((field) => Math.round(before[field] ?? -1) !== Math.round(after[field] ?? -1));
}

function question() {
  const added = edits.filter(({ kind }) => kind === "add").map(({ lat, lon }) => ({ lat, lon, ...plans().new }));
  const closed = edits.filter(({ kind }) => kind === "close").map(({ asset }) => asset);
  return { ...plans().subject, add: added, close: closed };
}

function recolour() {
  map.invalidateSize({ pan: false }); // what is told took room from the map
  const how = colouring();
  const changed = new Map();
  for (const { neighbourhood, after } of answer?.neighbourhoods ?? []) {
    const made = how && coloured(how, after);
    if (made) changed.set(neighbourhood, made);
  }
  const spots = edits.filter(({ lon }) => lon !== null).map(({ lat, lon }) => [lat, lon]);
  document.dispatchEvent(new CustomEvent("kaart:whatif", { detail: { changed, spots } }));
}

function putBack() {
  under_way?.abort();
  edits = [];
  answer = null;
  for (const pin of pins.splice(0)) pin.remove();
  told.replaceChildren();
  show(false);
  dropAim();
  recolour();
  document.dispatchEvent(new CustomEvent("kaart:over"));
}

function show(open) {
  dock.hidden = !open;
  if (open) document.dispatchEvent(new CustomEvent("kaart:tried")); // where best has had its turn
  renewBanner();
  fitAgain(map);
}

/* ---- the pins ---- */

const PlanIcon = L.DivIcon.extend({
  createIcon(old) {
    const box = L.DivIcon.prototype.createIcon.call(this, old);
    box.replaceChildren(element("span", "", this.options.sign));
    return box;
  },
});

function drawPins() {
  for (const pin of pins.splice(0)) pin.remove();
  for (const edit of edits) {
    if (edit.lon === null) continue;
    const added = edit.kind === "add";
    const icon = new PlanIcon({ className: `plan-pin plan-pin--${edit.kind}`, iconSize: [32, 32], sign: added ? "+" : "×" });
    const pin = L.marker([edit.lat, edit.lon], { icon, draggable: added, alt: nameOf(edit), title: nameOf(edit), zIndexOffset: 1000 }).addTo(map);
    pin.on("dragend", () => {
      const { lat, lng } = pin.getLatLng();
      Object.assign(edit, { lat, lon: lng, name: nameAt({ lat, lon: lng }) });
      reckon();
    });
    pins.push(pin);
  }
}

function nameOf({ kind, name }) {
  if (kind === "close") return say("plan_closed", { name });
  return name ? say("plan_added_in", { name }) : say("plan_added");
}

/* ---- what changes, in words ---- */

function waiting() {
  const words = element("p", "plan__waiting", say("plan_waiting"));
  words.setAttribute("role", "status");
  return words;
}

function tell() {
  const several = edits.length > 1;
  const title = several ? say("plan_several", { count: number(edits.length) }) : nameOf(edits[0]);
  const head = element("h2", "utrecht-heading-2 dock__title", title);
  head.tabIndex = -1;
  const { before, after } = answer;
  const gained = Math.round(before.uncovered - after.uncovered);
  const lead = element("p", "utrecht-paragraph card__lead", gainWords(gained));
  const score = { before: number(before.gap), after: number(after.gap) };
  const same = score.before === score.after;
  const whole = element("p", "utrecht-paragraph", same ? say("plan_whole_same", score) : say("plan_whole", score));
  const more = element("button", "utrecht-button utrecht-button--secondary-action", say("plan_more"));
  more.type = "button";
  more.addEventListener("click", takeAim);
  const left = element("div", "gap__told");
  left.append(lead, whole);
  if (several) left.append(element("p", "fold__note", `${edits.map(nameOf).join("; ")}.`));
  if (edits.some(({ kind }) => kind === "add")) left.append(element("p", "fold__note", plans().assumed));
  left.append(more);
  const columns = element("div", "gap__columns");
  columns.append(left, tableOf(shownHere(answer.neighbourhoods)));
  told.replaceChildren(head, columns);
  head.focus({ preventScroll: true });
}

function gainWords(gained) {
  const values = { count: number(Math.abs(gained)), one: plans().one };
  if (gained > 0) return gained === 1 ? say("plan_gain_one", values) : say("plan_gain", values);
  if (gained < 0) return gained === -1 ? say("plan_loss_one", values) : say("plan_loss", values);
  return say("plan_same", values);
}

// Of all levels that an answer may hold, those that the ranking shows, what changes most first.
function shownHere(neighbourhoods) {
  const here = neighbourhoods.filter(({ neighbourhood: id }) => list.querySelector(`.ranking__row[data-id="${CSS.escape(id)}"]`));
  const change = ({ before, after }) => Math.abs((before.uncovered ?? 0) - (after.uncovered ?? 0));
  return here.sort((a, b) => change(b) - change(a));
}

function tableOf(rows) {
  if (!rows.length) return element("p", "utrecht-paragraph", say("plan_nothing"));
  const table = element("table", "sums sums--plan");
  const head = table.createTHead().insertRow();
  for (const words of [say("plan_neighbourhood"), say("plan_uncovered"), say("plan_gap")]) {
    const cell = element("th", "", words);
    cell.scope = "col";
    head.append(cell);
  }
  const body = table.createTBody();
  for (const { name, before, after } of rows) {
    const row = body.insertRow();
    const title = element("th", "", name);
    title.scope = "row";
    row.append(title, change(before.uncovered, after.uncovered), change(before.gap, after.gap));
  }
  return table;
}

function change(before, after) {
  const write = (value) => (value === null ? "–" : number(value));
  const cell = element("td", "");
  cell.append(element("span", "sums__before", write(before)), " → ", element("b", "", write(after)));
  return cell;
}
