// The page of residents: list, pins, card and address kept in step.

import { closeCard, cardIsOpen, openCard, showCard } from "kaart/card";
import { features, page } from "kaart/fetching";
import { liveForm } from "kaart/list";
import { fitAgain, section } from "kaart/map";
import { nearMe } from "kaart/near";
import { neighbourLayer } from "kaart/neighbours";
import { say, showFailure } from "kaart/page";
import { pinLayer } from "kaart/pins";
import { makeSheet } from "kaart/sheet";

const list = document.getElementById("list");
const scroller = document.getElementById("scroll");
const notice = section.querySelector("[data-notice]");

/** Start the page. */
export function showPlaces(map) {
  const sheet = makeSheet(() => fitAgain(map));
  const pins = pinLayer(map, (key) => open(key));
  const arrange = nearMe(map, wholeList);
  const neighbours = neighbourLayer(map, openNeighbour);
  let title = document.title;
  let listAddress = window.location.pathname + window.location.search;
  let listScroll = 0;
  let fetching = null;

  async function fill() {
    fetching?.abort();
    const mine = (fetching = new AbortController());
    delete section.dataset.filled;
    try {
      const found = await Promise.all(
        ["assets", "activities"]
          .filter((collection) => list.dataset[collection])
          .map((collection) => collected(collection, mine.signal)),
      );
      notice.hidden = true;
      pins.show(found.flat());
      section.dataset.filled = "yes";
      return true;
    } catch (problem) {
      if (problem.name !== "AbortError") {
        showFailure(notice, say("map_failed"), fill);
        section.dataset.filled = "failed";
      }
      return false;
    }
  }

  async function collected(collection, signal) {
    const found = await features(list.dataset[collection], signal);
    return found.map((feature) => ({ ...feature, collection }));
  }

  const load = liveForm(document.getElementById("filters"), {
    parts: ["#list"],
    address: addressOf,
    swapped: async () => {
      listAddress = window.location.pathname + window.location.search;
      title = document.title;
      document.getElementById("clear").hidden = !list.dataset.filtered;
      showList();
      scroller.scrollTop = 0;
      arrange();
      neighbours.again();
      document.dispatchEvent(new CustomEvent("kaart:chosen", { detail: list.dataset.neighbourhood }));
      if ((await fill()) && list.dataset.filtered && !list.dataset.neighbourhood) pins.fitAll();
    },
  });

  function open(key, address = addressOfCard(key), push = true) {
    if (!cardIsOpen()) listScroll = scroller.scrollTop;
    neighbours.release();
    openCard(address, {
      push,
      done: () => {
        hideList();
        pins.choose(key);
        section.scrollIntoView?.({ block: "nearest" });
      },
    });
    markRow(key);
  }

  function openNeighbour(article) {
    if (!cardIsOpen()) listScroll = scroller.scrollTop;
    pins.choose(null);
    neighbours.release();
    showCard(article, hideList);
  }

  function hideList() {
    list.hidden = true;
    document.getElementById("count").hidden = true;
    scroller.scrollTop = 0;
    sheet.atLeast("half");
  }

  function showList() {
    list.hidden = false;
    document.getElementById("count").hidden = false;
    closeCard();
    document.title = title;
    pins.choose(null);
    neighbours.release();
    scroller.scrollTop = listScroll;
  }

  list.addEventListener("click", (event) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey) return;
    const turn = event.target.closest(".turning a, .empty a");
    const row = event.target.closest(".row");
    if (turn) {
      event.preventDefault();
      if (turn.closest(".empty")) clear();
      else load(turn.getAttribute("href"));
    } else if (row) {
      event.preventDefault();
      open(row.dataset.key);
    }
  });
  document.getElementById("card").addEventListener("click", (event) => {
    const link = event.target.closest("a[href^='/places/'], a[href^='/activities/']");
    const inner = link ?? event.target.closest(".row")?.querySelector("a");
    if (!inner || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    open(keyOf(inner.getAttribute("href")), inner.getAttribute("href"));
  });
  document.getElementById("back").addEventListener("click", () => {
    if (listAddress !== window.location.pathname + window.location.search) history.pushState({}, "", listAddress);
    showList();
  });
  document.getElementById("clear").addEventListener("click", (event) => {
    event.preventDefault();
    clear();
  });

  function clear() {
    const form = document.getElementById("filters");
    for (const field of form.elements) {
      if (field.type === "checkbox") field.checked = false;
      else if (field.type === "radio") field.checked = field.value === "any";
      else if ("value" in field) field.value = "";
    }
    load("/");
    form.elements.q.focus();
  }

  for (const name of ["mouseover", "focusin"]) {
    list.addEventListener(name, (event) => pins.raise(event.target.closest(".row")?.dataset.key ?? null));
  }
  for (const name of ["mouseleave", "focusout"]) list.addEventListener(name, () => pins.raise(null));
  window.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && cardIsOpen()) document.getElementById("back").click();
  });
  window.addEventListener("popstate", () => {
    const address = window.location.pathname + window.location.search;
    const key = keyOf(window.location.pathname);
    if (key) return open(key, address, false);
    showList();
    if (address !== listAddress) {
      fillForm(window.location.search);
      load(address, false);
    }
  });
  fill();
}

// Sorting by distance needs every row, not only those of the first page: fetch the others behind them.
async function wholeList() {
  for (let next; (next = list.querySelector(".turning [rel=next]")); ) {
    const more = await page(next.getAttribute("href"));
    for (const [mine, theirs] of pairsOfLists(more)) mine.append(...theirs.children);
    const turning = more.querySelector(".turning [rel=next]");
    if (turning) next.setAttribute("href", turning.getAttribute("href"));
    else list.querySelector(".turning").remove();
  }
  return list.querySelectorAll("#rows");
}

function pairsOfLists(more) {
  const both = (selector) => [list.querySelector(selector), more.querySelector(selector)];
  return [both("#rows"), both(".rows:not(#rows)")].filter(([mine, theirs]) => mine && theirs);
}

function markRow(key) {
  const row = list.querySelector(`.row[data-key="${CSS.escape(key)}"]`);
  for (const other of list.querySelectorAll(".row--chosen")) other.classList.remove("row--chosen");
  row?.classList.add("row--chosen");
  row?.scrollIntoView?.({ block: "nearest" });
}

// What is empty is left out of the address, so that an address says what was asked and no more.
function addressOf(form) {
  const asked = new URLSearchParams();
  for (const [name, value] of new FormData(form)) {
    if (value.trim() && !(name === "when" && value === "any")) asked.append(name, value.trim());
  }
  return asked.size ? `/?${asked}` : "/";
}

function fillForm(search) {
  const asked = new URLSearchParams(search);
  for (const field of document.getElementById("filters").elements) {
    if (field.type === "checkbox") field.checked = asked.getAll(field.name).includes(field.value);
    else if (field.type === "radio") field.checked = (asked.get("when") ?? "any") === field.value;
    else if (field.name) field.value = asked.get(field.name) ?? "";
  }
}

function addressOfCard(key) {
  const [collection, id] = key.split("/");
  return `/${collection === "assets" ? "places" : "activities"}/${id}`;
}

function keyOf(address) {
  const match = /^\/(places|activities)\/([^/?]+)/.exec(address);
  return match && `${match[1] === "places" ? "assets" : "activities"}/${match[2]}`;
}
