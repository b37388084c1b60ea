// Everything that is fetched comes from this same site: pages, of which a part is taken, and GeoJSON, page after page.
// Pages are asked for with the cookies, for their language. Features are not: a map shows what the list beside it shows,
// and that is what is public, whoever is signed in; neighbours, who are in no list, are the one exception.

const MOST_PAGES = 50;

async function answer(address, accept, signal, credentials) {
  const response = await fetch(address, { headers: { Accept: accept }, signal, credentials });
  if (!response.ok) throw new Error(`${response.status} ${address}`);
  return response;
}

/** Fetch all features behind an address, following its `next` links; as who is signed in where that is asked for. */
export async function features(address, signal, credentials = "omit") {
  const all = [];
  for (let page = 0; address && page < MOST_PAGES; page += 1) {
    const answered = await answer(address, "application/geo+json", signal, credentials);
    const collection = await answered.json();
    all.push(...collection.features);
    const next = (collection.links ?? []).find((link) => link.rel === "next");
    address = next ? here(next.href) : null;
  }
  return all;
}

/** Fetch a page and give it as a document; its scripts do not run. */
export async function page(address, signal) {
  const answered = await answer(address, "text/html", signal, "same-origin");
  return new DOMParser().parseFromString(await answered.text(), "text/html");
}

// A proxy may know this site by another name: keep path and query, stay on the host that served the page.
function here(address) {
  const url = new URL(address, window.location.href);
  return url.pathname + url.search;
}
