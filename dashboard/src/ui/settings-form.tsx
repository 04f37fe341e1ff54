import { at, get, type Schemas } from "../lib/api";
import { once, useLive } from "../lib/live";
import { NO_WEBHOOK, type Setting, SETTINGS, type Values } from "../lib/settings";

/** The text of a choice; of the deployment's default what it is, once that is known. */
function choice(one: Setting, value: string, text: string, deployment: Schemas["DeploymentView"] | null): string {
  return value === "" && one.default && deployment ? `Default: ${deployment[one.default]}` : text;
}

/** A field for each setting of an import. `stored`: the webhook that an empty field keeps, without its query. */
export function SettingsFields({ values, set, stored = "" }: { values: Values; set: (values: Values) => void; stored?: string }) {
  // The form is of use without the deployment's defaults, too.
  const { data: deployment } = useLive((signal) => get<Schemas["DeploymentView"]>(at("/v1/deployment"), {}, signal), once, []);
  const kept = (one: Setting) => one.name === "notify.webhook_url" && stored !== "";
  const hint = (one: Setting) => (kept(one) ? `Empty: ${stored} stays. Its query is not shown.` : one.hint);
  const change = (name: string, value: string) => set({ ...values, [name]: value });
  return (
    <>
      <div class="row">
        {SETTINGS.filter((one) => one.kind !== "check").map((one) => (
          <div key={one.name}>
            <label>
              {one.label}
              {one.kind === "choice" ? (
                <select value={values[one.name] ?? ""} onChange={(event) => change(one.name, event.currentTarget.value)}>
                  {one.options?.map(([value, text]) => <option key={value} value={value}>{choice(one, value, text, deployment)}</option>)}
                </select>
              ) : (
                <input
                  value={values[one.name] ?? ""}
                  placeholder={kept(one) ? stored : (one.placeholder ?? "")}
                  spellcheck={false}
                  aria-describedby={`${one.name}-hint`}
                  onInput={(event) => change(one.name, event.currentTarget.value)}
                />
              )}
            </label>
            {hint(one) && <span class="hint wrap" id={`${one.name}-hint`}>{hint(one)}</span>}
          </div>
        ))}
      </div>
      <div class="checks">
        {SETTINGS.filter((one) => one.kind === "check").map((one) => (
          <label key={one.name} class="check">
            <input type="checkbox" checked={values[one.name] === "true"} onChange={(event) => change(one.name, String(event.currentTarget.checked))} />
            {one.label}
          </label>
        ))}
        {stored && (
          <label class="check">
            <input type="checkbox" checked={values[NO_WEBHOOK] === "true"} onChange={(event) => change(NO_WEBHOOK, String(event.currentTarget.checked))} />
            Remove the webhook
          </label>
        )}
      </div>
    </>
  );
}
