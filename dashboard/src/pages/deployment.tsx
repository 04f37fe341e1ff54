import { at, base, get, type Schemas } from "../lib/api";
import { bytes, number, seconds } from "../lib/format";
import { once, useLive } from "../lib/live";
import { Facts, Failure, Loading } from "../ui/basics";

type View = Schemas["DeploymentView"];

const GROUPS: [title: string, names: (keyof View)[]][] = [
  ["The deployment", ["stack_name", "cors_origins", "allow_private_urls"]],
  ["Buckets", ["clips_bucket", "drop_bucket", "source_buckets", "requester_pays_buckets", "delete_source_buckets"]],
  ["Imports", ["default_project", "default_on_existing", "default_content_validation", "preview_seconds"]],
  ["Limits", ["max_clips_per_import", "max_clip_ids", "max_active_imports", "max_slow_requests", "max_body_bytes", "max_upload_bytes", "longest_import_hours"]],
  ["Throughput", ["copy_slots", "map_concurrency", "copy_concurrency", "copy_threads", "stat_concurrency", "batch_clips", "batch_bytes", "multipart_threshold_bytes", "part_bytes", "stream_part_bytes"]],
  ["Retention and links", ["audit_retention_days", "row_retention_days", "clip_url_seconds", "upload_url_seconds", "report_url_seconds"]],
];

/** What each setting means is in the API's own document, which needs no key. */
async function meanings(): Promise<Record<string, string>> {
  const answer = await fetch(new URL("openapi.json", base()));
  const document = (await answer.json()) as {
    components: { schemas: Record<string, { properties: Record<string, { description?: string }> }> };
  };
  const properties = document.components.schemas["DeploymentView"]?.properties ?? {};
  return Object.fromEntries(Object.entries(properties).map(([name, one]) => [name, (one.description ?? "").replaceAll("`", "")]));
}

function value(name: string, found: View[keyof View]): string {
  if (Array.isArray(found)) return found.join(", ") || "none";
  if (typeof found === "boolean") return found ? "yes" : "no";
  if (typeof found !== "number") return found;
  if (name.endsWith("_bytes")) return `${bytes(found)} (${number(found)} bytes)`;
  if (name.endsWith("_seconds")) return seconds(found);
  return number(found);
}

/** The settings of the deployment. They change by `cdk deploy` only. */
export function Deployment() {
  const { data, error, reload } = useLive((signal) => get<View>(at("/v1/deployment"), {}, signal), once, []);
  // The page is of use without the meanings, too.
  const { data: known } = useLive(() => meanings().catch(() => ({}) as Record<string, string>), once, []);
  return (
    <>
      <h1 class="head">Deployment</h1>
      <p class="hint">Settings that were chosen at <code>cdk deploy</code>. They cannot be changed here.</p>
      <Failure error={error} retry={reload} />
      {!data && !error && <Loading what="the settings" />}
      {data &&
        GROUPS.map(([title, names]) => (
          <section key={title} class="settings" aria-label={title}>
            <h2>{title}</h2>
            <Facts rows={names.map((name) => [name, <>{value(name, data[name])} <span class="hint">{known?.[name]}</span></>])} />
          </section>
        ))}
    </>
  );
}
