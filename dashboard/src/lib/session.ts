import { signal } from "@preact/signals";
import type { Schemas } from "./api";

/** The key stopped working: the page asks for another one, above what the user entered. */
export const expired = signal(false);
export const caller = signal<Schemas["CallerView"] | null>(null);
