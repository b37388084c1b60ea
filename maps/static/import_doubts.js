// Addresses without a certain place: one question each, answered by a person.

import { call } from "kaart/import_calls";
import { element, number, say } from "kaart/page";

const box = document.getElementById("doubts");
const list = document.getElementById("doubts-list");
const more = document.getElementById("doubts-more");
const AT_ONCE = 10;

/** Fetch the open doubts of imports and show the first of them. `failed` is called with what the service refused. */
export async function showDoubts(imports, failed) {
  const asked = imports.filter((job) => job.status === "done" && job.open_doubts);
  const answers = await Promise.all(asked.map((job) => call("GET", `/${job.id}/doubts`)));
  const waiting = answers.flatMap(({ doubts }, place) => doubts.map((doubt) => ({ ...doubt, file: asked[place].file_name })));
  list.replaceChildren();
  const next = () => {
    while (list.childElementCount < AT_ONCE && waiting.length) list.append(question(waiting.shift(), next, failed));
    box.hidden = !list.childElementCount;
    more.hidden = !waiting.length;
    more.textContent = say("more_doubts", { count: number(waiting.length) });
  };
  next();
}

function question(doubt, next, failed) {
  const form = element("form", "doubt");
  const choices = element("fieldset", "doubt__choices");
  const name = `doubt-${doubt.id}`;
  const legend = element("legend", "doubt__asked", doubt.asked);
  const told = [doubt.record.name, doubt.file, say("row_of", { row: number(doubt.row) })].filter(Boolean).join(" · ");
  choices.append(legend, element("p", "field__hint", told));
  for (const [place, candidate] of doubt.candidates.entries()) choices.append(choice(name, String(place), candidate.label));
  choices.append(choice(name, "", say("none_of_these")));
  const error = element("p", "field__error", say("choose_one"));
  error.hidden = true;
  error.setAttribute("role", "alert");
  const save = element("button", "utrecht-button utrecht-button--secondary-action", say("save"));
  save.type = "submit";
  form.append(choices, error, save);
  form.noValidate = true;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const picked = form.querySelector("input:checked");
    error.hidden = Boolean(picked);
    if (!picked) return;
    save.disabled = true;
    try {
      await call("POST", `/doubts/${doubt.id}`, { choice: picked.value ? Number(picked.value) : null });
      const following = form.nextElementSibling ?? form.previousElementSibling;
      form.remove();
      next();
      document.getElementById("told").textContent = say("decided");
      (following?.querySelector("input") ?? document.getElementById("earlier-title")).focus();
    } catch (problem) {
      save.disabled = false;
      failed(problem);
    }
  });
  return form;
}

function choice(name, value, words) {
  const label = element("label", "tick");
  const input = element("input");
  Object.assign(input, { type: "radio", name, value });
  label.append(input, element("span", "", words));
  return label;
}
