// Questions that take some reckoning: sent as JSON, answered as JSON, and refused in words.

import { say } from "kaart/page";

/** Why there is no answer, in words for the reader. */
export class Refusal extends Error {}

/** Send a question; give its answer. Throws a Refusal that says what went wrong, or an AbortError. */
export async function ask(address, question, signal) {
  let response;
  try {
    response = await fetch(address, {
      method: "POST",
      headers: { Accept: "application/json", "Content-Type": "application/json" },
      body: JSON.stringify(question),
      credentials: "omit", // what is asked here is for everybody: who asks need not be told
      signal,
    });
  } catch (problem) {
    if (problem.name === "AbortError") throw problem;
    throw new Refusal(say("ask_offline"));
  }
  if (response.ok) return response.json();
  if (response.status === 503) throw new Refusal(say("ask_busy"));
  if (response.status === 404) throw new Refusal(say("ask_gone"));
  throw new Refusal(response.status === 400 ? say("ask_wrong") : say("ask_failed"));
}
