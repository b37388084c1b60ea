// The imports of before: what, who, when, and what came of it.

import { call, moment } from "kaart/import_calls";
import { table } from "kaart/import_rows";
import { element, number, say, texts } from "kaart/page";

const list = document.getElementById("earlier-list");
const TOLD = ["new", "changed", "archived", "refused", "doubtful"];

/** Fetch the imports and show them. `open` and `undo` are called with the one whose button is pressed. */
export async function showEarlier({ open, undo }) {
  const { imports } = await call("GET", "?limit=100");
  document.getElementById("earlier-none").hidden = imports.length > 0;
  list.hidden = !imports.length;
  const columns = [
    { label: say("when"), className: "stack__cell--when" },
    { label: say("what"), className: "stack__cell--what" },
    { label: say("file"), className: "stack__cell--file" },
    { label: say("rows"), className: "stack__cell--rows" },
    { label: say("who"), className: "stack__cell--who" },
    { label: say("status"), className: "stack__cell--status" },
  ];
  list.replaceChildren(table(document.getElementById("earlier-title").textContent, columns, imports, (job) => [
    moment(job.done_at ?? job.made_at),
    texts[`what_${job.what}`],
    opener(job, open),
    rows(job.counts),
    job.made_by,
    status(job, undo),
  ]));
  return imports;
}

function opener(job, open) {
  const button = element("button", "utrecht-link-button utrecht-link-button--html-button stack__open", job.file_name);
  button.type = "button";
  button.setAttribute("aria-label", say("report_of", { file: job.file_name }));
  button.addEventListener("click", () => open(job));
  return button;
}

function rows(counts) {
  const told = TOLD.filter((verdict) => counts[verdict]);
  const shown = told.length ? told : ["unchanged"];
  return shown.map((verdict) => `${number(counts[verdict] ?? 0)}\u00a0${texts[`verdict_${verdict}`]}`).join(", ");
}

function status(job, undo) {
  const badge = element("span", `utrecht-data-badge badge badge--${job.status}`, texts[`status_${job.status}`]);
  if (job.status !== "done") return badge;
  const button = element("button", "utrecht-button utrecht-button--subtle stack__undo", say("undo"));
  button.type = "button";
  button.setAttribute("aria-label", say("undo_of", { file: job.file_name }));
  button.addEventListener("click", () => undo(job));
  return [badge, button];
}
