// What every script needs of its page: the words, the language, and a few small hands.

export const texts = JSON.parse(document.getElementById("texts").textContent);
export const language = document.documentElement.lang;

const locale = language === "nl" ? "nl-NL" : "en-GB";
const whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
const tenths = new Intl.NumberFormat(locale, { minimumFractionDigits: 1, maximumFractionDigits: 1 });

/** Give a text by its name, with %(name)s filled in. */
export function say(name, values = {}) {
  return texts[name].replace(/%\((\w+)\)s/g, (_, key) => String(values[key]));
}

/** Write metres as the server does: to 10 m below a kilometre, to 100 m above. */
export function distance(metres) {
  if (metres < 995) return `${whole.format(Math.round(metres / 10) * 10)}\u00a0m`;
  return `${tenths.format(metres / 1000)}\u00a0km`;
}

export const number = (value) => whole.format(value);

// What is not all or nothing never reads as 100 or 0 %.
function percent(share) {
  const rounded = Math.round(share * 100);
  return `${rounded === 100 && share < 1 ? 99 : rounded === 0 && share > 0 ? 1 : rounded}%`;
}

const hours = (value) => say("hours", { number: value >= 10 ? number(value) : tenths.format(value) });

/** The ways to write a figure, under the names that the server gives them. */
export const written = { number, percent, distance, hours, tenths: (value) => tenths.format(value) };

/** Make an element with a class and a text. */
export function element(tag, className, text = "") {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

/** Make an element of a drawing with its attributes and what stands in it. */
export function drawn(tag, attributes, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** Make the mark of a kind from the symbols in the page. */
export function mark(kind) {
  const use = drawn("use", { href: `#mark-${kind}` });
  return drawn("svg", { class: `mark mark--${kind}`, viewBox: "0 0 28 28", "aria-hidden": "true" }, use);
}

/** Put the failure notice into a box, with a button that tries again. */
export function showFailure(box, text, again) {
  const notice = document.getElementById("failure").content.firstElementChild.cloneNode(true);
  notice.querySelector(".failure__text").textContent = text;
  notice.querySelector("button").addEventListener("click", again);
  box.replaceChildren(notice);
  box.hidden = false;
}

export const narrow = window.matchMedia("(max-width: 800px)");
export const still = window.matchMedia("(prefers-reduced-motion: reduce)");
