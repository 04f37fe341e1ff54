// Calls of the API, which lies beside the dashboard's folder: `/prod/app/` calls `/prod/v1/…`.
import type { components, paths } from "../generated/api";
import { setClock } from "./format";
import { key } from "./key";
import { expired } from "./session";

export type Schemas = components["schemas"];
export type Import = Schemas["ImportView"];
export type Clip = Schemas["ClipView"];
export type Query = Record<string, string | number | boolean | null | undefined>;
export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** A failed request: `detail` says what happened and what to do, `code` is stable. Status 0: no answer at all. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly detail: string,
    readonly retryAfter: number | null = null,
  ) {
    super(detail);
  }
}

/** Whether the same request may succeed a moment later. */
export const passing = (fault: unknown) => fault instanceof ApiError && (fault.status === 0 || fault.status === 429 || fault.status >= 500);

/** API Gateway answers within 30 s. A connection that is lost without a word never does. */
const PATIENCE_MS = 45_000;
const UNREACHABLE = "The service did not answer. Check your network; what you entered is kept. Try again.";

export function base(): URL {
  return new URL("../", document.baseURI.replace(/[?#].*$/, ""));
}

/** `/v1/imports/{job_id}` and `ij_1` → `v1/imports/ij_1`. The type checker knows every path of the API. */
export function at(path: keyof paths, ...ids: string[]): string {
  const rest = [...ids];
  return path.slice(1).replace(/\{[^}]+\}/g, () => encodeURIComponent(rest.shift() ?? ""));
}

export async function call<T>(
  method: Method,
  path: string,
  options: { query?: Query; body?: unknown; as?: string; idempotencyKey?: string; signal?: AbortSignal } = {},
): Promise<T> {
  const url = new URL(path, base());
  for (const [name, value] of Object.entries(options.query ?? {})) {
    if (value !== null && value !== undefined && value !== "") url.searchParams.set(name, String(value));
  }
  const used = options.as ?? key.value ?? "";
  const headers: Record<string, string> = { "X-API-Key": used };
  if (options.body !== undefined) headers["Content-Type"] = "application/json";
  if (options.idempotencyKey) headers["Idempotency-Key"] = options.idempotencyKey;
  const givenUp = AbortSignal.timeout(PATIENCE_MS);
  let answer: Response;
  try {
    answer = await fetch(url, {
      method,
      headers,
      body: options.body === undefined ? null : JSON.stringify(options.body),
      signal: options.signal ? AbortSignal.any([options.signal, givenUp]) : givenUp,
    });
    setClock(answer.headers.get("Date"));
    // The network may break in the middle of an answer, and what is in between may answer with a page of its own.
    if (answer.ok) return (answer.status === 204 ? null : await answer.json()) as T;
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new ApiError(0, "UNREACHABLE", UNREACHABLE);
  }
  const said = (await answer.json().catch(() => ({}))) as { code?: string; detail?: string };
  const again = Number(answer.headers.get("Retry-After")) || null;
  const fault = new ApiError(
    answer.status,
    said.code ?? "UNKNOWN",
    said.detail ?? `The service answered with status ${answer.status}. Try again.`,
    again,
  );
  // An answer to a former key says nothing about the one that took its place.
  if (answer.status === 401 && used === key.value) expired.value = true;
  throw fault;
}

export const get = <T>(path: string, query?: Query, signal?: AbortSignal) =>
  call<T>("GET", path, { ...(query ? { query } : {}), ...(signal ? { signal } : {}) });

/** All items of a list that are `wanted`, page by page. */
export async function all<T>(path: string, name: string, query: Query = {}, wanted: (one: T) => boolean = () => true, most = Infinity): Promise<T[]> {
  const found: T[] = [];
  let cursor: string | null = null;
  do {
    const page: Record<string, unknown> = await get(path, { limit: 1000, ...query, cursor });
    found.push(...(page[name] as T[]).filter(wanted));
    cursor = page["next_cursor"] as string | null;
  } while (cursor && found.length < most);
  return found.slice(0, most);
}
