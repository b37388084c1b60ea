// "Near me": the location never leaves the browser. Distances are worked out here, and the rows put in another order.

import { distance, say } from "kaart/page";
import { fit } from "kaart/map";

const AROUND_M = 2400; // across: what one would walk to

/** Make the button work. `rows` fetches the lists whose rows carry data-lon and data-lat, complete. */
export function nearMe(map, rows) {
  const button = document.getElementById("near");
  let here = null;
  let dot = null;
  if (!("geolocation" in navigator)) return () => {};
  button.hidden = false;

  const note = (text) => {
    const line = document.getElementById("near-note");
    if (!line) return;
    line.textContent = text;
    line.hidden = !text;
  };

  async function arrange() {
    if (!here) return;
    for (const list of await rows()) sortRows(list, here);
    note(say("near_on"));
  }

  function start() {
    note(say("near_busy"));
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        here = L.latLng(coords.latitude, coords.longitude);
        button.setAttribute("aria-pressed", "true");
        if (!map.getPane("you")) map.createPane("you").style.zIndex = "640";
        dot = L.circleMarker(here, { className: "you", radius: 8, interactive: false, pane: "you" }).addTo(map);
        fit(map, here.toBounds(AROUND_M));
        arrange();
      },
      () => note(say("near_refused")),
      { maximumAge: 60000, timeout: 15000 },
    );
  }

  function stop() {
    here = null;
    dot?.remove();
    button.setAttribute("aria-pressed", "false");
    for (const list of document.querySelectorAll("#rows")) unsort(list);
    note("");
  }

  button.addEventListener("click", () => (here ? stop() : start()));
  return arrange;
}

function sortRows(list, here) {
  const all = [...list.children];
  for (const [place, row] of all.entries()) {
    row.dataset.place ??= String(place);
    const metres = here.distanceTo([Number(row.dataset.lat), Number(row.dataset.lon)]);
    row.dataset.metres = String(metres);
    const label = row.querySelector(".row__distance");
    label.textContent = distance(metres);
    label.hidden = false;
  }
  list.append(...all.sort((a, b) => Number(a.dataset.metres) - Number(b.dataset.metres)));
}

function unsort(list) {
  for (const row of list.children) row.querySelector(".row__distance").hidden = true;
  list.append(...[...list.children].sort((a, b) => Number(a.dataset.place) - Number(b.dataset.place)));
}
