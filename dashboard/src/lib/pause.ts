const ACTIVE_MS = 1_000;
const IDLE_MS = 5_000;
const HIDDEN_MS = 30_000;
const IDLE_AFTER_MS = 60_000;

/** Milliseconds until the next look: longer in a hidden or idle tab, and after failures. */
export function pause(hidden: boolean, idleMs: number, failures: number): number {
  const usual = hidden ? HIDDEN_MS : idleMs > IDLE_AFTER_MS ? IDLE_MS : ACTIVE_MS;
  return Math.min(HIDDEN_MS, usual * 2 ** Math.min(failures, 5));
}
