// The report of one import: what would become of its rows, or what became of them.

import { call, moment } from "kaart/import_calls";
import { table } from "kaart/import_rows";
import { element, number, say, texts } from "kaart/page";

const VERDICTS = ["new", "changed", "unchanged", "refused", "archived", "doubtful", "duplicate", "missing", "skipped"];
const ALWAYS = 4; // of these are told when there are none too
const WAITING = ["checked", "refused"];

const box = document.getElementById("report");
const part = (name) => document.getElementById(name);
let shown = null;

/** Give the import whose report is open; null where none is. */
export const openImport = () => shown;

/** Fetch an import and show its report. */
export async function openReport(id) {
  showReport(await call("GET", `/${id}`));
}

/** Show the report of an import and bring the reader to it. `told` stands in place of the usual sentence. */
export function showReport(job, told = "") {
  shown = job;
  const { report, counts } = job;
  part("report-what").textContent = texts[`what_${job.what}`];
  part("report-status").textContent = texts[`status_${job.status}`];
  part("report-title").textContent = job.file_name;
  part("report-verdict").textContent = told || sentence(job);
  part("report-kept").hidden = !job.kept_until;
  if (job.kept_until) part("report-kept").textContent = say("kept_until", { moment: moment(job.kept_until) });
  part("fates").replaceChildren(...fates(counts));
  part("notes").replaceChildren(...(report.notes ?? []).map((note) => element("li", "", note)));
  showLines(report.lines ?? [], report.unsaid ?? {});
  showActions(job);
  box.hidden = false;
  part("report-title").focus({ preventScroll: true });
  box.scrollIntoView({ block: "start" });
}

/** Put the report away. */
export function closeReport() {
  shown = null;
  box.hidden = true;
}

function sentence(job) {
  const { status, counts } = job;
  if (status === "done") return say("was_done", { moment: moment(job.done_at), who: job.made_by });
  if (status === "undone") return say("was_undone", { moment: moment(job.undone_at), who: job.undone_by });
  if (!job.kept_until) return say("file_gone");
  if (counts.refused === 1) return say("some_refused_one");
  if (counts.refused) return say("some_refused_many", { count: number(counts.refused) });
  return brings(counts) ? say("all_fits") : say("same_already");
}

const brings = (counts) => ["new", "changed", "archived", "doubtful"].some((verdict) => counts[verdict]);

function fates(counts) {
  const told = VERDICTS.filter((verdict, place) => place < ALWAYS || counts[verdict]);
  return told.map((verdict) => {
    const fate = element("div", `fate fate--${verdict}`);
    if (!counts[verdict]) fate.classList.add("fate--none");
    fate.append(element("dt", "fate__word", texts[`verdict_${verdict}`]), element("dd", "fate__number", number(counts[verdict] ?? 0)));
    return fate;
  });
}

function showLines(lines, unsaid) {
  const found = VERDICTS.filter((verdict) => lines.some((line) => line.verdict === verdict));
  part("filter").hidden = found.length < 2;
  part("lines-scroll").hidden = !lines.length;
  const first = found.length > 1 && found.includes("refused") ? "refused" : "";
  part("segments").replaceChildren(...["", ...found].map((verdict) => segment(verdict, verdict === first, lines, unsaid)));
  pick(first, lines, unsaid);
}

function segment(verdict, chosen, lines, unsaid) {
  const label = element("label", "segment");
  const input = element("input", "segment__input");
  Object.assign(input, { type: "radio", name: "verdict", value: verdict, checked: chosen });
  input.addEventListener("change", () => pick(verdict, lines, unsaid));
  const count = verdict ? lines.filter((line) => line.verdict === verdict).length : lines.length;
  const words = element("span", "segment__label", verdict ? texts[`verdict_${verdict}`] : say("all"));
  words.append(element("span", "segment__count", number(count)));
  label.append(input, words);
  return label;
}

function pick(verdict, lines, unsaid) {
  const picked = verdict ? lines.filter((line) => line.verdict === verdict) : lines;
  const columns = [
    { label: say("row"), className: "stack__cell--row" },
    { label: say("verdict"), className: "stack__cell--verdict" },
    { label: say("field"), className: "stack__cell--field" },
    { label: say("value"), className: "stack__cell--value" },
    { label: say("reason"), className: "stack__cell--reason", lang: "en" },
  ];
  part("lines-scroll").replaceChildren(table(say("report"), columns, picked, cells));
  part("lines-scroll").scrollTop = 0;
  const left = verdict ? (unsaid[verdict] ?? 0) : Object.values(unsaid).reduce((sum, count) => sum + count, 0);
  part("left-out").hidden = !left;
  part("left-out").textContent = left === 1 ? say("left_out_one") : say("left_out_many", { count: number(left) });
}

function cells(line) {
  const row = [element("span", "stack__number", line.row ? number(line.row) : "–")];
  if (line.key) row.push(" · ", element("span", "stack__key", line.key));
  const verdict = element("span", `verdict verdict--${line.verdict}`, texts[`verdict_${line.verdict}`]);
  return [row, verdict, line.field, line.value, line.reason];
}

function showActions(job) {
  const waiting = WAITING.includes(job.status);
  const can = waiting && job.kept_until;
  const refused = job.counts.refused ?? 0;
  part("skip-line").hidden = !can || !refused || !brings(job.counts);
  part("skip").checked = false;
  part("confirm").hidden = !can || !brings(job.counts);
  part("undo").hidden = job.status !== "done";
  part("discard").hidden = !waiting;
  ready();
}

// Rows that are refused stop the whole file, unless it is said that they may stay behind.
function ready() {
  const stopped = Boolean(shown?.counts.refused) && !part("skip").checked;
  part("confirm").disabled = stopped;
}
part("skip").addEventListener("change", ready);
