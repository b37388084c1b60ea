// A form whose answer is swapped into the page: the same address, without the reload. Without scripts it just submits.

import { page } from "kaart/fetching";
import { say, showFailure } from "kaart/page";

const PATIENCE_MS = 250; // what answers sooner needs no skeleton
const TYPING_MS = 350;

/** Keep `parts` of the page in step with a form.
 *
 * `address` gives the address for the form as it is; `swapped` is called after every swap. */
export function liveForm(form, { parts, address, swapped }) {
  let under_way = null;
  let typing = 0;

  async function load(wanted, push = true) {
    under_way?.abort();
    const mine = (under_way = new AbortController());
    const list = document.getElementById("list");
    list.setAttribute("aria-busy", "true");
    const slow = setTimeout(() => wait(list), PATIENCE_MS);
    try {
      const fresh = await page(wanted, mine.signal);
      swap(parts, fresh);
      if (push) history.pushState({ list: wanted }, "", wanted);
      document.title = fresh.title;
      swapped(fresh);
    } catch (problem) {
      if (problem.name === "AbortError") return;
      showFailure(list, say("list_failed"), () => load(wanted, push));
    } finally {
      clearTimeout(slow);
      if (under_way === mine) document.getElementById("list").removeAttribute("aria-busy");
    }
  }

  const submit = () => {
    clearTimeout(typing);
    load(address(form));
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
  });
  form.addEventListener("change", (event) => {
    if (event.target.type !== "search") submit();
  });
  form.addEventListener("input", (event) => {
    if (event.target.type !== "search") return;
    clearTimeout(typing);
    typing = setTimeout(submit, TYPING_MS);
  });
  return load;
}

function wait(list) {
  list.replaceChildren(document.getElementById("skeleton").content.cloneNode(true));
}

function swap(parts, fresh) {
  for (const part of parts) {
    const [old, made] = [document.querySelector(part), fresh.querySelector(part)];
    if (!old || !made) continue;
    for (const { name } of [...old.attributes]) if (!made.hasAttribute(name)) old.removeAttribute(name);
    for (const { name, value } of made.attributes) old.setAttribute(name, value);
    old.replaceChildren(...made.childNodes);
  }
  // A live region speaks when it stays in the page and its text changes.
  const [count, told] = [document.getElementById("count"), fresh.getElementById("count")];
  if (count && told) count.textContent = told.textContent;
}
