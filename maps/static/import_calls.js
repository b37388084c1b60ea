// The one way from this page to the service. The key lives in this module's memory and nowhere else.

import { language } from "kaart/page";

const SENDABLE = /^[\x21-\x7e]{1,200}$/;
const NO_ANSWER = 0;
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
  const headers = { Accept: "application/json", "X-API-Key": key };
  const form = body instanceof FormData;
  if (body && !form) headers["Content-Type"] = "application/json";
  const sent = body && !form ? JSON.stringify(body) : body;
  let answer;
  try {
    answer = await fetch(`/v1/imports${path}`, { method, headers, body: sent, cache: "no-store", credentials: "omit" });
    if (answer.ok) return answer.status === 204 ? null : await answer.json();
  } catch {
    throw new Refused(NO_ANSWER);
  }
  throw await refusal(answer);
}

async function refusal(answer) {
  const told = await answer.json().catch(() => ({}));
  return new Refused(answer.status, told.detail ?? "", told.errors ?? []);
}

/** Write a moment as the reader does. */
export const moment = (written) => moments.format(new Date(written));
