// The classes of the map for figures that the server reckoned just now; the legend carries what decides them.

import { say, written } from "kaart/page";

/** Give how the map is coloured now; null where there is no legend. */
export function colouring() {
  const legend = document.getElementById("legend");
  return legend ? JSON.parse(legend.dataset.colouring) : null;
}

/** Give class and words of a neighbourhood by its new figures; null where they do not hold what colours the map. */
export function coloured(how, figures) {
  const value = figures[how.field];
  if (value === undefined) return null;
  if (value === null) return { band: "unknown", value: say("unknown") };
  const told = how.rest ? 1 - value : value;
  const band = how.cuts.filter((cut) => (how.falls ? told < cut : told >= cut)).length;
  return { band: String(band), value: how.said.replace("%(figure)s", written[how.write](told)) };
}
