import { useRef, useState } from "preact/hooks";
import { type ApiError, at, call, type Schemas } from "../lib/api";
import { key, signIn } from "../lib/key";
import { caller, expired } from "../lib/session";
import { Failure } from "../ui/basics";

/** `again`: the key of this session stopped working; the page below stays as it is. */
export function SignIn({ again = false }: { again?: boolean }) {
  const [error, setError] = useState<ApiError | null>(null);
  const [busy, setBusy] = useState(false);
  const [stay, setStay] = useState(false);
  const field = useRef<HTMLInputElement>(null);

  async function submit(event: Event) {
    event.preventDefault();
    const text = field.current?.value.trim() ?? "";
    setBusy(true);
    setError(null);
    try {
      caller.value = await call<Schemas["CallerView"]>("GET", at("/v1/key"), { as: text });
      expired.value = false;
      signIn(text, stay);
    } catch (fault) {
      setError(fault as ApiError);
    } finally {
      setBusy(false);
    }
  }

  return (
    <div class={again ? "again" : "sign-in"}>
      <form onSubmit={(event) => void submit(event)}>
        <h1>{again ? "Sign in again" : "Clipferry"}</h1>
        <p>
          {again
            ? "Your API key is no longer valid. Nothing that you entered is lost."
            : "Import driving clips into your account, verified. Sign in with an API key of your project, or with the admin key to manage keys."}
        </p>
        <label>
          API key
          <input ref={field} type="password" name="key" autocomplete="current-password" required autofocus spellcheck={false} />
        </label>
        <label class="check">
          <input type="checkbox" checked={stay} onChange={(event) => setStay(event.currentTarget.checked)} />
          Stay signed in on this computer
        </label>
        <Failure error={error} />
        <button class="primary" disabled={busy}>
          Sign in
        </button>
        <p class="hint">
          {stay ? "The key stays in this browser until you sign out." : "The key is forgotten when you close this tab."} Your
          administrator makes keys: <code>clipferry keys create</code>.
        </p>
      </form>
    </div>
  );
}

/** Ask the service whose key this is, after a reload. */
export async function whoAmI(): Promise<void> {
  if (key.value) caller.value = await call<Schemas["CallerView"]>("GET", at("/v1/key"));
}
