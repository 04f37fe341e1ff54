// The API key: in the tab's session storage, or in local storage if the user asks to stay signed in. Never in a URL.
import { signal } from "@preact/signals";
import { caller } from "./session";

const NAME = "clipferry.key";

function stored(): string | null {
  return sessionStorage.getItem(NAME) ?? localStorage.getItem(NAME);
}

export const key = signal<string | null>(stored());

export function signIn(text: string, stay: boolean): void {
  // A former key may be in the other place, where this tab or the next one would find it.
  (stay ? sessionStorage : localStorage).removeItem(NAME);
  (stay ? localStorage : sessionStorage).setItem(NAME, text);
  key.value = text;
}

/** Forget a key that does not work. What the user entered stays. */
export function forget(): void {
  sessionStorage.removeItem(NAME);
  localStorage.removeItem(NAME);
  key.value = null;
  caller.value = null;
}

/** The page's other tabs. Each has a session storage of its own, so they are told of a sign-out by the id of the key. */
const tabs = new BroadcastChannel("clipferry.signed-out");

tabs.onmessage = ({ data }: MessageEvent<string>) => {
  if (caller.value?.id === data) leave();
};

function leave(): void {
  forget();
  sessionStorage.clear();
  // The next key may belong to a caller who has other pages.
  location.hash = "";
}

/** Sign out of this tab, and of all others that have the same key. */
export function signOut(): void {
  if (caller.value) tabs.postMessage(caller.value.id);
  leave();
}
