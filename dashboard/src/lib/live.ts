// Read something now and then: often while it changes, seldom in a hidden or idle tab, never once nothing runs.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { ApiError, passing } from "./api";
import { pause } from "./pause";
import { expired } from "./session";

/** A stopped list is read again when the user comes back to it after this time. */
const STALE_MS = 10_000;

let touched = Date.now();

export interface Live<T> {
  data: T | null;
  error: ApiError | null;
  reload: () => void;
}

export interface Often {
  /** Least milliseconds between two looks. */
  apart?: number;
  /** Read again when these change: the last result stays until the next one is there. */
  again?: readonly unknown[];
}

/** Read what `deps` name; when they change, the last result is gone at once. `runs` says whether a result may still change. */
export function useLive<T>(
  read: (signal: AbortSignal) => Promise<T>,
  runs: (found: T) => boolean,
  deps: readonly unknown[],
  { apart = 0, again = [] }: Often = {},
): Live<T> {
  const [data, setData] = useState<T | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  const wake = useRef<() => void>(() => {});
  // A look reads what the last drawing asked for.
  const latest = useRef({ read, runs });
  latest.current = { read, runs };
  useEffect(() => {
    const gone = new AbortController();
    let timer = 0;
    let failures = 0;
    let last = 0;
    let busy = false;
    // A look that was asked for while another one runs, which may have read before a change.
    let asked = false;
    // Whether another look comes by itself, and after how many ms at most while the user is here.
    let waits = false;
    let soon = 0;
    setData(null);
    setError(null);
    async function look(): Promise<void> {
      clearTimeout(timer);
      asked = busy;
      if (busy || gone.signal.aborted) return;
      busy = true;
      let least = apart;
      try {
        const found = await latest.current.read(gone.signal);
        if (gone.signal.aborted) return;
        setData(found);
        setError(null);
        failures = 0;
        waits = latest.current.runs(found);
      } catch (fault) {
        if (gone.signal.aborted) return;
        failures += 1;
        setError(fault instanceof ApiError ? fault : new ApiError(0, "UNKNOWN", String(fault)));
        waits = !(fault instanceof ApiError) || passing(fault);
        if (fault instanceof ApiError) least = Math.max(apart, 1_000 * (fault.retryAfter ?? 0));
      } finally {
        busy = false;
        last = Date.now();
        soon = Math.max(least, pause(false, 0, failures));
      }
      if (asked) void look();
      else if (waits) timer = window.setTimeout(look, Math.max(least, pause(document.hidden, Date.now() - touched, failures)));
    }
    // The next look was put off while nobody was here, or while there was no network.
    function back(event: Event): void {
      touched = Date.now();
      const due = event.type === "online" ? 0 : waits ? soon : STALE_MS;
      if (!busy && !document.hidden && Date.now() - last > due) void look();
    }
    wake.current = () => void look();
    const events = ["visibilitychange", "pointerdown", "keydown", "focusin", "online"] as const;
    for (const name of events) addEventListener(name, back);
    // Now, and again when another key took the place of one that stopped working.
    const heard = expired.subscribe((over) => {
      if (!over) void look();
    });
    return () => {
      heard();
      gone.abort();
      clearTimeout(timer);
      for (const name of events) removeEventListener(name, back);
    };
  }, deps);
  const first = useRef(true);
  useEffect(() => {
    if (!first.current) wake.current();
    first.current = false;
  }, again);
  return { data, error, reload: useCallback(() => wake.current(), []) };
}

/** Ask again for what failed, once it may succeed: after a while, when the network is back, and with another key. */
export function useAgain(error: ApiError | null, again: () => void): void {
  const failures = useRef(0);
  useEffect(() => {
    failures.current = error ? failures.current + 1 : 0;
    if (!error) return;
    const wait = Math.max(1_000 * (error.retryAfter ?? 0), pause(document.hidden, Date.now() - touched, failures.current));
    const timer = passing(error) ? window.setTimeout(again, wait) : 0;
    const back = () => passing(error) && again();
    addEventListener("online", back);
    // The first call says how it is now.
    let first = true;
    const heard = expired.subscribe((over) => {
      if (!first && !over) again();
      first = false;
    });
    return () => {
      heard();
      clearTimeout(timer);
      removeEventListener("online", back);
    };
  }, [error]);
}

export const once = () => false;
