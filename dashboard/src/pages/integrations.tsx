import { useState } from "preact/hooks";
import { all, type ApiError, at, call, type Schemas } from "../lib/api";
import { meaning } from "../lib/codes";
import { once, useLive } from "../lib/live";
import { Ago, Copy, Empty, Failure, Loading, Said } from "../ui/basics";
import { Act, Confirm, useFirstField } from "../ui/dialog";

type Integration = Schemas["IntegrationView"];

interface Field {
  name: string;
  label: string;
  required?: boolean;
  secret?: boolean;
  json?: boolean;
  check?: boolean;
}
const PAYS: Field = { name: "requester_pays", label: "The requester pays: this deployment's account is charged", check: true };
const DELETE: Field = { name: "allow_delete", label: "Let imports delete the sources of proven copies", check: true };
const CUSTOMER_KEY: Field = { name: "customer_key", label: "Customer key (SSE-C), base64", secret: true };
const TYPES: Record<string, { label: string; fields: Field[] }> = {
  s3: {
    label: "S3, or a store with its API: access key",
    fields: [
      { name: "access_key_id", label: "Access key id", required: true },
      { name: "secret_access_key", label: "Secret access key", required: true, secret: true },
      { name: "session_token", label: "Session token", secret: true },
      { name: "region", label: "Region" },
      { name: "endpoint_url", label: "Endpoint URL (other stores)" },
      CUSTOMER_KEY,
      PAYS,
      DELETE,
    ],
  },
  s3_role: { label: "S3 of another account: role", fields: [{ name: "role_arn", label: "ARN of the role", required: true }, { name: "region", label: "Region" }, CUSTOMER_KEY, PAYS, DELETE] },
  gcs: {
    label: "Google Cloud Storage: service account",
    fields: [{ name: "service_account", label: "Key file (JSON)", required: true, secret: true, json: true }, { name: "endpoint_url", label: "Endpoint URL" }, PAYS, DELETE],
  },
  hf_bucket: { label: "Hugging Face bucket", fields: [{ name: "token", label: "Token (public buckets need none)", secret: true }] },
};

export function Integrations() {
  const { data, error, reload } = useLive(() => all<Integration>(at("/v1/integrations"), "integrations"), once, []);
  const [adding, setAdding] = useState(false);
  const close = () => setAdding(false);
  const saved = () => {
    close();
    reload();
  };
  return (
    <>
      <div class="head">
        <h1>Integrations</h1>
        {!adding && <button class="primary" onClick={() => setAdding(true)}>New integration</button>}
      </div>
      {adding && <Add saved={saved} close={close} />}
      <Failure error={error} retry={reload} />
      {!data && !error && <Loading what="integrations" />}
      {data?.length === 0 && !adding && (
        <Empty title="No integrations yet">
          <p>The service reads the deployment's own source buckets without one. Save an integration to read any other bucket.</p>
        </Empty>
      )}
      {data?.map((one) => <One key={one.id} one={one} reload={reload} />)}
    </>
  );
}

function Add({ saved, close }: { saved: () => void; close: () => void }) {
  const [type, setType] = useState("s3");
  const [error, setError] = useState<ApiError | null>(null);
  const [busy, setBusy] = useState(false);
  const fields = TYPES[type]?.fields ?? [];

  async function save(event: Event) {
    event.preventDefault();
    const given = new FormData(event.currentTarget as HTMLFormElement);
    const body: Record<string, unknown> = { type };
    for (const field of [{ name: "name" }, { name: "bucket" }, { name: "prefix" }, ...fields] as Field[]) {
      const text = String(given.get(field.name) ?? "").trim();
      if (!text) continue;
      try {
        body[field.name] = field.check ? true : field.json ? JSON.parse(text) : text;
      } catch {
        setError({ detail: `${field.label} is not JSON. Paste the whole file.`, code: "INVALID_REQUEST" } as ApiError);
        return;
      }
    }
    if (busy) return;
    setBusy(true);
    setError(null);
    try {
      await call("POST", at("/v1/integrations"), { body, idempotencyKey: crypto.randomUUID() });
      saved();
    } catch (fault) {
      setError(fault as ApiError);
    } finally {
      setBusy(false);
    }
  }
  return (
    <section aria-labelledby="add">
      <h2 id="add">New integration</h2>
      <form ref={useFirstField()} class="form" onSubmit={(event) => void save(event)} autocomplete="off">
        <div class="row">
          <label>
            Type
            <select value={type} onChange={(event) => setType(event.currentTarget.value)}>
              {Object.entries(TYPES).map(([value, { label }]) => <option key={value} value={value}>{label}</option>)}
            </select>
          </label>
          <label>Name<input name="name" required /></label>
          <label>Bucket<input name="bucket" required placeholder={type === "hf_bucket" ? "namespace/name" : ""} /></label>
          <label>Prefix<input name="prefix" placeholder="team/" /></label>
        </div>
        <div class="row" key={type}>
          {fields.filter((field) => !field.check).map((field) => (
            <label key={field.name}>
              {field.label}
              {field.json ? (
                <textarea name={field.name} required={field.required} spellcheck={false} />
              ) : (
                <input name={field.name} required={field.required} type={field.secret ? "password" : "text"} autocomplete="off" />
              )}
            </label>
          ))}
        </div>
        {fields.filter((field) => field.check).map((field) => (
          <label key={field.name} class="check">
            <input type="checkbox" name={field.name} />
            {field.label}
          </label>
        ))}
        <p class="hint">Credentials are kept in Secrets Manager. Nobody can read them here again.</p>
        <Failure error={error} />
        <div class="actions">
          <button class="primary" aria-busy={busy}>Save integration</button>
          <button type="button" onClick={close}>Cancel</button>
        </div>
      </form>
    </section>
  );
}

function One({ one, reload }: { one: Integration; reload: () => void }) {
  const [probe, setProbe] = useState<Schemas["ProbeView"] | null>(null);
  const [deleting, setDeleting] = useState(false);
  const path = at("/v1/integrations/{integration_id}", one.id);
  return (
    <section aria-label={one.name}>
      <div class="head">
        <h2>{one.name}</h2>
        <div class="actions">
          <Act label="Test" act={async () => setProbe(await call<Schemas["ProbeView"]>("POST", `${path}/test`))} />
          {one.type !== "hf_bucket" && (
            <Act
              label={one.allow_delete ? "Keep sources" : "Let imports delete sources"}
              act={() => call("PATCH", path, { body: { allow_delete: !one.allow_delete } }).then(reload)}
            />
          )}
          <button class="danger" onClick={() => setDeleting(true)}>Delete</button>
        </div>
      </div>
      <p>
        <code>{one.type}</code> reads <span class="mono">{one.bucket}{one.prefix ? `/${one.prefix}` : ""}</span>
        {one.endpoint_url && <> at <span class="mono">{one.endpoint_url}</span></>}.{" "}
        {one.allow_delete && "Imports with that setting may delete the sources that they copied. "}
        <span class="hint">Saved <Ago time={one.created_at} />, {one.last_used ? <>last used <Ago time={one.last_used} /></> : "never used"}.</span>
      </p>
      {probe && (
        <ul aria-label="Checks">
          {probe.checks.map((check) => (
            <li key={check.action} class={check.ok ? "good" : "bad"}>
              {check.ok ? "✓" : "✗"} {check.action}: {check.ok ? "works" : check.message}{" "}
              {check.code && <><code>{check.code}</code> <Said text={meaning(check.code)} /></>}
            </li>
          ))}
        </ul>
      )}
      {one.trust_policy && (
        <details>
          <summary>Policies of the role {one.role_arn}</summary>
          <h3>Trust policy <Copy text={JSON.stringify(one.trust_policy, null, 2)} /></h3>
          <pre tabIndex={0}>{JSON.stringify(one.trust_policy, null, 2)}</pre>
          <h3>Permission policy <Copy text={JSON.stringify(one.permission_policy, null, 2)} /></h3>
          <pre tabIndex={0}>{JSON.stringify(one.permission_policy, null, 2)}</pre>
        </details>
      )}
      {deleting && (
        <Confirm title={`Delete ${one.name}?`} action="Delete integration" close={() => setDeleting(false)} act={() => call("DELETE", path).then(reload)}>
          <p>Its credentials are deleted for good. Clips that it still has to read fail with INTEGRATION_GONE.</p>
        </Confirm>
      )}
    </section>
  );
}
