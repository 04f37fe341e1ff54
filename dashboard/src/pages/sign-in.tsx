import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { ApiError, at, call, type Schemas } from "../lib/api";
import { key, signIn } from "../lib/key";
import { caller, expired } from "../lib/session";
import { Failure } from "../ui/basics";

/** `again`: the key of this session stopped working; the page below stays as it is. */
export function SignIn({ again = false }: { again?: boolean }) {
  const [error, setError] = useState<ApiError | null>(null);
  const [busy, setBusy] = useState(false);
  const [stay, setStay] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  // Also after a sign-out: `autofocus` counts once in the life of a page.
  useEffect(() => field.current?.focus(), []);

  async function submit(event: Event) {
    event.preventDefault();
    if (busy) return;
    const text = field.current?.value.trim() ?? "";
    setBusy(true);
    setError(null);
    try {
      if (!/^[\x21-\x7e]+$/.test(text)) throw new ApiError(401, "UNAUTHENTICATED", "No key has such characters.");
      caller.value = await call<Schemas["CallerView"]>("GET", at("/v1/key"), { as: text });
      signIn(text, stay);
      expired.value = false;
    } catch (fault) {
      const said = fault as ApiError;
      setError(said.status === 401 ? new ApiError(401, said.code, "This is no valid API key. Check that you copied all of it, or ask for a new one.") : said);
    } finally {
      setBusy(false);
    }
  }

  const form = (
    <form onSubmit={(event) => void submit(event)}>
      <h1 id="sign-in">{again ? "Sign in again" : "Clipferry"}</h1>
      <p>
        {again
          ? "Your API key is no longer valid. Nothing that you entered is lost."
          : "Import driving clips into your account, verified. Sign in with an API key of your project, or with the admin key to manage keys."}
      </p>
      <label>
        API key
        <input ref={field} type="password" name="key" autocomplete="current-password" required spellcheck={false} />
      </label>
      <label class="check">
        <input type="checkbox" checked={stay} onChange={(event) => setStay(event.currentTarget.checked)} />
        Stay signed in on this computer
      </label>
      <Failure error={error} />
      <button class="primary" aria-busy={busy}>
        Sign in
      </button>
      <p class="hint">
        {stay ? "The key stays in this browser until you sign out." : "The key is forgotten when you close this tab."} Your
        administrator makes keys: <code>clipferry keys create</code>.
      </p>
    </form>
  );
  return again ? <Above>{form}</Above> : <div class="sign-in">{form}</div>;
}

/** Over the page until there is a key that works: what is below cannot be reached, also not by Escape. */
function Above({ children }: { children: ComponentChildren }) {
  const box = useRef<HTMLDialogElement>(null);
  const show = () => {
    if (box.current?.isConnected) box.current.showModal();
  };
  useEffect(show, []);
  return (
    <dialog ref={box} class="again" aria-labelledby="sign-in" onClose={show}>
      {children}
    </dialog>
  );
}

/** Ask the service whose key this is, after a reload. */
export async function whoAmI(): Promise<void> {
  if (key.value) caller.value = await call<Schemas["CallerView"]>("GET", at("/v1/key"));
}
