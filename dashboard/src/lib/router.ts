// Pages are named in the URL's fragment, so that the server need not know them: `#/imports/ij_1?status=FAILED`.
import { signal } from "@preact/signals";

export interface Place {
  parts: string[];
  query: URLSearchParams;
}

/** A part that is no valid code stays as it is: no page has that name. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export function parse(hash: string): Place {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?");
  return { parts: path.split("/").filter(Boolean).map(decoded), query: new URLSearchParams(query) };
}

export function href(parts: string[], query: Record<string, string | null | undefined> = {}): string {
  const given = Object.entries(query).filter((one): one is [string, string] => Boolean(one[1]));
  const search = new URLSearchParams(given).toString();
  return `#/${parts.map(encodeURIComponent).join("/")}${search ? `?${search}` : ""}`;
}

export const place = signal<Place>(parse(typeof location === "undefined" ? "" : location.hash));

export function go(target: string, replace = false): void {
  if (replace) {
    history.replaceState(null, "", target);
    place.value = parse(target);
  } else location.hash = target;
}

if (typeof addEventListener !== "undefined") {
  addEventListener("hashchange", () => {
    const before = place.value;
    place.value = parse(location.hash);
    // Another search of the same page leaves the focus in its form.
    if (place.value.parts.join() === before.parts.join()) return;
    document.getElementById("main")?.focus({ preventScroll: true });
    scrollTo(0, 0);
  });
}
