// A card is the article of its own page, fetched and shown beside the map.

import { page } from "kaart/fetching";
import { say, showFailure } from "kaart/page";

const opened = document.getElementById("opened");
const box = document.getElementById("card");
const back = document.getElementById("back");
let under_way = null;
let focusBack = null;

/** Fetch the page of a card and show its article. `done` is called with the article once it stands. */
export async function openCard(address, { push = true, done = () => {} } = {}) {
  under_way?.abort();
  const mine = (under_way = new AbortController());
  if (opened.hidden) focusBack = document.activeElement;
  try {
    const fresh = await page(address, mine.signal);
    box.replaceChildren(document.adoptNode(fresh.querySelector("article")));
    document.title = fresh.title;
  } catch (problem) {
    if (problem.name === "AbortError") return;
    showFailure(box, say("card_failed"), () => openCard(address, { push, done }));
  }
  if (push) history.pushState({ card: address }, "", address);
  opened.hidden = false;
  back.hidden = false;
  done(box.firstElementChild);
  box.querySelector("h1")?.focus({ preventScroll: true });
}

/** Show an article that was made here and has no page of its own. */
export function showCard(article, done) {
  under_way?.abort();
  if (opened.hidden) focusBack = document.activeElement;
  box.replaceChildren(article);
  opened.hidden = false;
  back.hidden = false;
  done();
  box.querySelector("h1")?.focus({ preventScroll: true });
}

/** Put the card away and give the focus back to where it was. */
export function closeCard() {
  under_way?.abort();
  if (opened.hidden) return;
  opened.hidden = true;
  if (!opened.contains(back)) back.hidden = true;
  box.replaceChildren();
  if (focusBack?.isConnected) focusBack.focus({ preventScroll: true });
  focusBack = null;
}

export const cardIsOpen = () => !opened.hidden;
