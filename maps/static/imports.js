// The page on which administrators import: a key, a file, a report, and a yes.

import { call, Refused, useKey } from "kaart/import_calls";
import { showDoubts } from "kaart/import_doubts";
import { showEarlier } from "kaart/import_earlier";
import { closeReport, openImport, openReport, showReport } from "kaart/import_report";
import { number, say, texts } from "kaart/page";

const part = (name) => document.getElementById(name);
const most = Number(part("main").dataset.mostBytes);
const upload = part("upload");
const NEEDED = "assets"; // cannot do without a mapping
let ticking = 0;

// ---- the key ----

function lock(status = 0) {
  useKey("");
  for (const name of ["inside", "lock"]) part(name).hidden = true;
  closeReport();
  part("earlier-list").replaceChildren();
  part("doubts-list").replaceChildren();
  part("door").hidden = false;
  fieldError("key", status ? failure(status) : "");
  part("key").focus();
}

async function unlock() {
  const button = part("key-form").querySelector("button");
  useKey(part("key").value);
  button.disabled = true;
  try {
    await renew();
    part("key").value = "";
    part("door").hidden = true;
    for (const name of ["inside", "lock", "fresh"]) part(name).hidden = false;
    part("whats").querySelector("input:checked").focus();
  } catch (problem) {
    useKey("");
    fieldError("key", failure(statusOf(problem)));
    part("key").focus();
  } finally {
    button.disabled = false;
  }
}

// ---- what went wrong ----

const statusOf = (problem) => {
  if (!(problem instanceof Refused)) throw problem;
  return problem.status;
};

const failure = (status) => texts[`failed_${status}`] ?? texts[status < 500 ? "failed_400" : "failed_500"];

function fieldError(name, text) {
  const line = part(`${name}-error`);
  line.textContent = text;
  line.hidden = !text;
  part(name).toggleAttribute("aria-invalid", Boolean(text));
}

function failed(problem) {
  const status = statusOf(problem);
  if (status === 401 || status === 403) {
    lock(status);
    return;
  }
  part("alert").className = `utrecht-alert utrecht-alert--${status && status < 500 ? "warning" : "error"} imports__alert`;
  part("alert-text").textContent = failure(status);
  const flaws = problem.flaws.length > 1 ? problem.flaws : [];
  part("alert-detail").textContent = flaws.length || status === 0 || status >= 500 ? "" : problem.detail;
  part("alert-flaws").replaceChildren(...flaws.map(({ field, reason }) => item(`${field}: ${reason}`)));
  part("alert").hidden = false;
  part("alert").focus({ preventScroll: true });
  part("alert").scrollIntoView({ block: "center" });
}

function item(text) {
  const made = document.createElement("li");
  made.textContent = text;
  return made;
}

// ---- work that takes a while ----

/** Do something that may take a minute: everything else waits, and the seconds are counted. */
async function busy(beside, text, work) {
  const frames = [part("fresh"), part("report"), part("earlier"), part("doubts")];
  part("alert").hidden = true;
  beside.after(part("busy"));
  part("busy-text").textContent = text;
  part("told").textContent = text;
  const since = Date.now();
  const tick = () => {
    part("busy-seconds").textContent = say("seconds", { count: number(Math.floor((Date.now() - since) / 1000)) });
  };
  tick();
  ticking = setInterval(tick, 1000);
  part("busy").hidden = false;
  for (const frame of frames) {
    frame.inert = true;
    frame.setAttribute("aria-busy", "true");
  }
  part("busy").scrollIntoView({ block: "nearest" });
  try {
    return await work();
  } finally {
    clearInterval(ticking);
    part("busy").hidden = true;
    part("told").textContent = "";
    for (const frame of frames) {
      frame.inert = false;
      frame.removeAttribute("aria-busy");
    }
  }
}

/** Do something and say what the service refuses. Gives whether it was done. */
async function tried(work) {
  try {
    await work();
    return true;
  } catch (problem) {
    failed(problem);
    return false;
  }
}

async function renew() {
  const imports = await showEarlier({ open: (job) => tried(() => open(job.id)), undo: askUndo });
  await showDoubts(imports, failed);
}

// ---- a new file ----

const chosen = () => upload.querySelector("[name=what]:checked");

function fit() {
  const { value, dataset } = chosen();
  for (const box of upload.querySelectorAll("[data-of]")) box.hidden = !box.dataset.of.split(" ").includes(value);
  part("file").accept = dataset.accept;
  part("file-forms").textContent = dataset.accept.replaceAll(",", " ");
  for (const name of ["file", "mapping"]) fieldError(name, "");
}

function filled() {
  const file = part("file").files[0];
  const told = file ? (file.size > most ? say("file_too_large", { most: number(most / 1e6) }) : "") : say("no_file");
  const mapping = chosen().value === NEEDED && !part("mapping").files[0] ? say("no_mapping") : "";
  fieldError("file", told);
  fieldError("mapping", mapping);
  if (told || mapping) part(told ? "file" : "mapping").focus();
  return !told && !mapping;
}

function form() {
  const made = new FormData();
  const options = {};
  for (const input of upload.querySelectorAll("[data-option]")) {
    if (input.closest("[hidden]")) continue;
    if (input.type === "checkbox" && input.checked) options[input.dataset.option] = true;
    else if (input.type !== "checkbox" && input.value.trim()) options[input.dataset.option] = plain(input);
  }
  made.append("what", chosen().value);
  if (Object.keys(options).length) made.append("options", JSON.stringify(options));
  const mapping = part("mapping").files[0];
  if (mapping && !part("mapping").closest("[hidden]")) made.append("mapping", mapping);
  made.append("file", part("file").files[0]);
  return made;
}

const plain = (input) => (/^\d+$/.test(input.value) && input.inputMode === "numeric" ? Number(input.value) : input.value.trim());

async function check() {
  if (!filled()) return;
  await tried(async () => {
    const job = await busy(part("fresh"), say("busy_check"), () => call("POST", "", form()));
    part("fresh").hidden = true;
    showReport(job);
    await renew();
  });
}

// ---- a report ----

async function open(id) {
  part("alert").hidden = true;
  await openReport(id);
  part("fresh").hidden = true;
}

function back(told = "") {
  closeReport();
  part("alert").hidden = true;
  part("fresh").hidden = false;
  part("told").textContent = told;
  chosen().focus({ preventScroll: true });
  part("main").scrollIntoView({ block: "start" });
}

async function confirm() {
  const { id } = openImport();
  const asked = part("skip").checked ? "?skipBad=true" : "";
  await tried(async () => {
    const job = await busy(part("report"), say("busy_import"), () => call("POST", `/${id}/confirm${asked}`));
    upload.reset();
    fit();
    showReport(job);
    await renew();
  });
}

async function discard() {
  const { id } = openImport();
  await tried(async () => {
    await call("DELETE", `/${id}`);
    back(say("discarded"));
    await renew();
  });
}

function askUndo(job) {
  part("ask-title").textContent = say("undo_question", { file: job.file_name });
  part("ask").returnValue = "no";
  part("ask").onclose = () => part("ask").returnValue === "yes" && undo(job);
  part("ask").showModal();
}

async function undo({ id }) {
  await tried(async () => {
    const counts = await busy(part("report").hidden ? part("fresh") : part("report"), say("busy_undo"), () => call("POST", `/${id}/undo`));
    part("fresh").hidden = true;
    const told = Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, number(count)]));
    showReport(await call("GET", `/${id}`), say("taken_back", told));
    await renew();
  });
}

part("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  unlock();
});
upload.addEventListener("submit", (event) => {
  event.preventDefault();
  check();
});
part("whats").addEventListener("change", fit);
part("lock").addEventListener("click", () => lock());
part("confirm").addEventListener("click", confirm);
part("discard").addEventListener("click", discard);
part("undo").addEventListener("click", () => askUndo(openImport()));
part("close").addEventListener("click", () => back());
// A page that the browser kept would still hold the key.
window.addEventListener("pageshow", (event) => event.persisted && window.location.reload());
part("door").hidden = false;
fit();
