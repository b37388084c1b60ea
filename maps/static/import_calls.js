// The one way from this page to the service. The key lives in this module's memory and nowhere else.

import { language } from "kaart/page";

const SENDABLE = /^[\x21-\x7e]{1,200}$/;
const NO_ANSWER = 0;
const NOBODY = new Promise(() => {}); // nothing ever comes of it
const moments = new Intl.DateTimeFormat(language === "nl" ? "nl-NL" : "en-GB", {
  dateStyle: "medium",
  timeStyle: "short",
  timeZone: "Europe/Amsterdam",
});

let key = "";

/** Use a key from now on; an empty one forgets it. */
export function useKey(given) {
  key = given.trim();
}

/** What the service refused, or status 0 where it did not answer. `detail` and `flaws` are in English. */
export class Refused extends Error {
  constructor(status, detail = "", flaws = []) {
    super(detail);
    Object.assign(this, { status, detail, flaws });
  }
}

/** Ask something of /v1/imports and give the answer. Raises Refused. */
export async function call(method, path = "", body = null) {
  if (!SENDABLE.test(key)) throw new Refused(401);
  const asked = key;
  const headers = { Accept: "application/json", "X-API-Key": key };
  const form = body instanceof FormData;
  if (body && !form) headers["Content-Type"] = "application/json";
  const sent = body && !form ? JSON.stringify(body) : body;
  try {
    const answer = await fetch(`/v1/imports${path}`, { method, headers, body: sent, cache: "no-store", credentials: "omit" });
    const told = !answer.ok ? await refusal(answer) : answer.status === 204 ? null : await answer.json();
    if (asked !== key) return await NOBODY; // who asked has locked the page since
    if (answer.ok) return told;
    throw told;
  } catch (problem) {
    throw problem instanceof Refused ? problem : new Refused(NO_ANSWER);
  }
}

async function refusal(answer) {
  const told = await answer.json().catch(() => ({}));
  return new Refused(answer.status, told.detail ?? "", told.errors ?? []);
}

/** Write a moment as the reader does. */
export const moment = (written) => moments.format(new Date(written));
