// The API key: in the tab's session storage, or in local storage if the user asks to stay signed in. Never in a URL.
import { signal } from "@preact/signals";

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

export function signOut(): void {
  sessionStorage.removeItem(NAME);
  localStorage.removeItem(NAME);
  key.value = null;
}
