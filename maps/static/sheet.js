// On a narrow screen the panel is a sheet over the map with three heights: by dragging, by buttons, by keyboard.

import { narrow } from "kaart/page";

const HEIGHTS = ["peek", "half", "full"];
const RESTED_MS = 200; // by then the sheet has come to rest
const panel = document.getElementById("panel");

/** Make the sheet move. `moved` is called after it came to rest at another height. */
export function makeSheet(moved = () => {}) {
  const bar = panel.querySelector("[data-sheet-bar]");
  const steps = [...panel.querySelectorAll("[data-sheet-step]")];

  function set(height) {
    panel.dataset.height = height;
    panel.style.removeProperty("--sheet-height");
    const at = HEIGHTS.indexOf(height);
    for (const step of steps) step.disabled = !HEIGHTS[at + Number(step.dataset.sheetStep)];
    setTimeout(moved, RESTED_MS);
  }

  for (const step of steps) {
    step.addEventListener("click", () => {
      const next = HEIGHTS[HEIGHTS.indexOf(panel.dataset.height) + Number(step.dataset.sheetStep)];
      if (next) set(next);
      if (step.disabled) steps.find((other) => !other.disabled)?.focus();
    });
  }
  drag(bar, set);
  for (const step of steps) step.disabled = !HEIGHTS[HEIGHTS.indexOf(panel.dataset.height) + Number(step.dataset.sheetStep)];
  return {
    /** Open the sheet at least this far. */
    atLeast(height) {
      if (narrow.matches && HEIGHTS.indexOf(panel.dataset.height) < HEIGHTS.indexOf(height)) set(height);
    },
    set,
  };
}

function drag(bar, set) {
  let start = null;
  bar.addEventListener("pointerdown", (event) => {
    if (!narrow.matches || event.target.closest("button")) return;
    start = { y: event.clientY, height: panel.getBoundingClientRect().height };
    bar.setPointerCapture(event.pointerId);
    panel.classList.add("sheet--moving");
  });
  bar.addEventListener("pointermove", (event) => {
    if (start) panel.style.setProperty("--sheet-height", `${start.height + start.y - event.clientY}px`);
  });
  const end = (event) => {
    if (!start) return;
    const height = panel.getBoundingClientRect().height;
    const fell = event.clientY - start.y;
    panel.classList.remove("sheet--moving");
    set(nearest(height, Math.abs(fell) < 6 ? null : fell));
    start = null;
  };
  bar.addEventListener("pointerup", end);
  bar.addEventListener("pointercancel", end);
}

// A tap on the bar opens a closed sheet; a short drag goes one step in its direction; a long one where it was let go.
function nearest(height, fell) {
  const at = HEIGHTS.indexOf(panel.dataset.height);
  if (fell === null) return HEIGHTS[at === 0 ? 1 : at];
  const room = document.getElementById("map").clientHeight;
  const sizes = [104, room * 0.5, room];
  const apart = sizes.map((size) => Math.abs(size - height));
  const closest = apart.indexOf(Math.min(...apart));
  if (closest !== at) return HEIGHTS[closest];
  return HEIGHTS[Math.max(0, Math.min(2, at + (fell < -40 ? 1 : fell > 40 ? -1 : 0)))];
}
