// Read something now and then: often while it changes, seldom in a hidden or idle tab, never once nothing runs.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { ApiError } from "./api";
import { pause } from "./pause";

/** A stopped list is read again when the user comes back to it after this time. */
const STALE_MS = 10_000;

let touched = Date.now();

export interface Live<T> {
  data: T | null;
  error: ApiError | null;
  reload: () => void;
}

/** `read` is called again whenever `deps` change. `runs` says whether its result may still change. */
export function useLive<T>(
  read: (signal: AbortSignal) => Promise<T>,
  runs: (found: T) => boolean,
  deps: readonly unknown[],
): Live<T> {
  const [data, setData] = useState<T | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  const wake = useRef<() => void>(() => {});
  useEffect(() => {
    const gone = new AbortController();
    let timer = 0;
    let failures = 0;
    let last = 0;
    let busy = false;
    setData(null);
    setError(null);
    async function look(): Promise<void> {
      clearTimeout(timer);
      if (busy || gone.signal.aborted) return;
      busy = true;
      let again = true;
      try {
        const found = await read(gone.signal);
        if (gone.signal.aborted) return;
        setData(found);
        setError(null);
        failures = 0;
        again = runs(found);
      } catch (fault) {
        if (gone.signal.aborted) return;
        failures += 1;
        setError(fault instanceof ApiError ? fault : new ApiError(0, "UNKNOWN", String(fault)));
        again = !(fault instanceof ApiError) || fault.status === 0 || fault.status === 429 || fault.status >= 500;
      } finally {
        busy = false;
        last = Date.now();
      }
      if (again) timer = window.setTimeout(look, pause(document.hidden, Date.now() - touched, failures));
    }
    function back(): void {
      touched = Date.now();
      if (!document.hidden && Date.now() - last > STALE_MS) void look();
    }
    wake.current = () => void look();
    const events = ["visibilitychange", "pointerdown", "keydown", "focusin", "online"] as const;
    for (const name of events) addEventListener(name, back);
    void look();
    return () => {
      gone.abort();
      clearTimeout(timer);
      for (const name of events) removeEventListener(name, back);
    };
  }, deps);
  return { data, error, reload: useCallback(() => wake.current(), []) };
}

export const once = () => false;
