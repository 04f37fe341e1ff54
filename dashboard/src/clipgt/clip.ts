// A ClipGT clip as the page draws it: the ego path, obstacles over time, the map around, cameras and layers.
import { gunzipSync } from "fflate";
import { decompress as unzstd } from "fzstd";
import { parquetMetadataAsync, parquetReadObjects } from "hyparquet";
import { type Member, RangeFault } from "./zip";

export interface Point {
  x: number;
  y: number;
}
export interface Pose extends Point {
  at: number;
  heading: number;
}
export interface Obstacle extends Pose {
  track: string;
  length: number;
  width: number;
  category: string;
}
export interface Scene {
  /** Seconds since the clip's first pose. */
  ego: Pose[];
  /** Poses of each obstacle in order of time. */
  tracks: Map<string, Obstacle[]>;
  lines: { kind: string; points: Point[] }[];
  duration: number;
  /** Layers that belong to the drawing and are not in it, with the reason. */
  left: string[];
}
export interface Layer {
  name: string;
  rows: number | null;
  columns: string[];
  packed: number;
  /** Why it cannot be read. */
  fault: string | null;
}
export interface Rig {
  name: string;
  width: number | null;
  height: number | null;
  protocol: string;
}

/** Larger layers are listed, and not read: a page is to read at most about 2 MB of a clip. */
export const MAX_LAYER = 1_000_000;
const DRAWN = ["road_boundary", "lane_line", "crosswalk", "wait_line", "intersection_area"];

type Row = Record<string, unknown>;

/** `clipgt/<id>.obstacle.parquet`, or `obstacle.parquet` → `obstacle`. */
export function layerOf(file: string): string | null {
  const match = /([^./]+)\.parquet$/.exec(file.split("/").at(-1) ?? "");
  return match?.[1] ?? null;
}

// hyparquet brings Snappy. Its own package of compressors needs WebAssembly, which the page's policy forbids.
const compressors = { GZIP: (packed: Uint8Array) => gunzipSync(packed), ZSTD: (packed: Uint8Array) => unzstd(packed) };

async function rowsOf(member: Member): Promise<Row[]> {
  const file = (await member.read()).slice().buffer;
  return (await parquetReadObjects({ file, compressors })) as Row[];
}

/** What is wrong with a layer. A fault of the store is no layer's, and thrown again. */
function wrong(fault: unknown): string {
  if (fault instanceof RangeFault) throw fault;
  return fault instanceof Error ? fault.message : String(fault);
}

const number = (value: unknown): number => (typeof value === "bigint" ? Number(value) : typeof value === "number" ? value : NaN);

/** Rotation about the vertical axis of a quaternion, in radians. */
export function heading(q: unknown): number {
  const { x = 0, y = 0, z = 0, w = 1 } = (q ?? {}) as Record<string, number>;
  return Math.atan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z));
}

function seconds(row: Row): number {
  return number((row["key"] as Row | undefined)?.["timestamp_micros"]) / 1e6;
}

export function egoPath(rows: Row[]): Pose[] {
  return rows
    .map((row) => {
      const pose = row["egomotion_estimate"] as { location?: Point; orientation?: unknown } | null;
      return { at: seconds(row), x: number(pose?.location?.x), y: number(pose?.location?.y), heading: heading(pose?.orientation) };
    })
    .filter((pose) => Number.isFinite(pose.at) && Number.isFinite(pose.x) && Number.isFinite(pose.y))
    .sort((a, b) => a.at - b.at);
}

export function obstacleTracks(rows: Row[]): Map<string, Obstacle[]> {
  const tracks = new Map<string, Obstacle[]>();
  for (const row of rows) {
    const one = row["obstacle"] as { trackline_id?: unknown; center?: Point; size?: Point; orientation?: unknown; category?: unknown } | null;
    const at = seconds(row);
    if (!one?.center || ![at, number(one.center.x), number(one.center.y)].every(Number.isFinite)) continue;
    const track = String(one.trackline_id ?? "");
    const pose: Obstacle = {
      at, track,
      x: number(one.center.x), y: number(one.center.y), heading: heading(one.orientation),
      length: number(one.size?.x) || 1, width: number(one.size?.y) || 1, category: String(one.category ?? ""),
    };
    tracks.set(track, [...(tracks.get(track) ?? []), pose]);
  }
  for (const poses of tracks.values()) poses.sort((a, b) => a.at - b.at);
  return tracks;
}

/** Every list of points in a map layer's row, whatever the layer calls it. */
export function linesOf(kind: string, rows: Row[]): Scene["lines"] {
  const found: Scene["lines"] = [];
  for (const row of rows) {
    for (const value of Object.values((row[kind] ?? {}) as Row)) {
      if (!Array.isArray(value) || typeof (value[0] as Point | undefined)?.x !== "number") continue;
      const points = value as Point[];
      const closed = kind === "crosswalk" || kind === "intersection_area";
      found.push({ kind, points: closed && points[0] ? [...points, points[0]] : points });
    }
  }
  return found;
}

/** Where the track is at that time, between two poses; null before the first and after the last. */
export function poseAt<P extends Pose>(poses: P[], at: number): P | null {
  let low = 0;
  let high = poses.length - 1;
  if (high < 0 || at < poses[0]!.at - 0.05 || at > poses[high]!.at + 0.05) return null;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (poses[middle]!.at <= at) low = middle;
    else high = middle - 1;
  }
  const a = poses[low]!;
  const b = poses[Math.min(low + 1, poses.length - 1)]!;
  const share = b.at > a.at ? Math.min(1, Math.max(0, (at - a.at) / (b.at - a.at))) : 0;
  const turn = Math.atan2(Math.sin(b.heading - a.heading), Math.cos(b.heading - a.heading));
  return { ...a, x: a.x + (b.x - a.x) * share, y: a.y + (b.y - a.y) * share, heading: a.heading + turn * share };
}

export async function readScene(files: Member[]): Promise<Scene> {
  const left: string[] = [];
  async function rows(layer: string): Promise<Row[]> {
    const file = files.find((one) => layerOf(one.name) === layer);
    if (!file) return [];
    if (file.packed > MAX_LAYER) {
      left.push(`${layer} (too large to be read here)`);
      return [];
    }
    try {
      return await rowsOf(file);
    } catch (fault) {
      left.push(`${layer} (broken: ${wrong(fault)})`);
      return [];
    }
  }
  const ego = egoPath(await rows("egomotion_estimate"));
  const tracks = obstacleTracks(await rows("obstacle"));
  const lines: Scene["lines"] = [];
  for (const kind of DRAWN) lines.push(...linesOf(kind, await rows(kind)));
  const begin = ego[0]?.at ?? 0;
  for (const pose of [...ego, ...[...tracks.values()].flat()]) pose.at -= begin;
  return { ego, tracks, lines, duration: ego.at(-1)?.at ?? 0, left };
}

/** Rows and columns of each layer that is small enough to read. */
export async function readLayers(files: Member[]): Promise<Layer[]> {
  const found: Layer[] = [];
  for (const file of files) {
    const name = layerOf(file.name);
    if (!name) continue;
    let rows: number | null = null;
    let columns: string[] = [];
    let fault: string | null = null;
    if (file.packed <= MAX_LAYER / 4) {
      try {
        const metadata = await parquetMetadataAsync((await file.read()).slice().buffer);
        rows = Number(metadata.num_rows);
        columns = leaves(metadata.schema);
      } catch (met) {
        fault = wrong(met);
      }
    }
    found.push({ name, rows, columns, packed: file.packed, fault });
  }
  return found.sort((a, b) => a.name.localeCompare(b.name));
}

/** `obstacle.center.x`, … of a schema, which Parquet keeps as a list in depth-first order. */
export function leaves(schema: { name: string; num_children?: number }[]): string[] {
  const found: string[] = [];
  let next = 1;
  function walk(path: string): void {
    const node = schema[next++];
    if (!node) return;
    const here = ["list", "element", "array"].includes(node.name) ? path : path ? `${path}.${node.name}` : node.name;
    if (!node.num_children) found.push(here);
    for (let child = 0; child < (node.num_children ?? 0); child += 1) walk(here);
  }
  for (let child = 0; child < (schema[0]?.num_children ?? 0); child += 1) walk("");
  return found;
}

export async function readRig(files: Member[]): Promise<Rig[]> {
  const file = files.find((one) => layerOf(one.name) === "calibration_estimate" && one.packed <= MAX_LAYER);
  if (!file) return [];
  const [row] = await rowsOf(file);
  const text = (row?.["calibration_estimate"] as Row | undefined)?.["rig_json"];
  if (typeof text !== "string") return [];
  try {
    const sensors = (JSON.parse(text) as { rig?: { sensors?: Row[] } }).rig?.sensors ?? [];
    return sensors
      .filter((sensor) => String(sensor["name"]).startsWith("camera"))
      .map((sensor) => {
        const about = (sensor["properties"] ?? {}) as Record<string, string>;
        return {
          name: String(sensor["name"]),
          width: Number(about["width"]) || null,
          height: Number(about["height"]) || null,
          protocol: String(sensor["protocol"] ?? ""),
        };
      });
  } catch {
    return [];
  }
}
