import { readFileSync } from "node:fs";
import { afterEach, expect, test, vi } from "vitest";
import { egoPath, heading, layerOf, leaves, obstacleTracks, poseAt, readLayers, readRig, readScene } from "./clip";
import { extent } from "./draw";
import { type Member, members, RangeFault, Ranges } from "./zip";

const SAMPLE = new URL("../../../samples/clipgt/0b1734b6-2bf0-5e42-8f62-0d5a07cb8c3a.zip", import.meta.url);

/** A store that answers ranges of this file. */
function store(file: Uint8Array): void {
  vi.stubGlobal("fetch", async (_url: string, { headers }: { headers: { Range: string } }) => {
    const [first, last] = headers.Range.slice("bytes=".length).split("-").map(Number);
    return new Response(file.slice(first, last! + 1), { status: 206 });
  });
}
afterEach(() => vi.unstubAllGlobals());

test("a clip is read by ranges: its path, its obstacles, its map, its cameras and its layers", async () => {
  const file = new Uint8Array(readFileSync(SAMPLE));
  store(file);
  const ranges = new Ranges("https://clips/a.zip", file.length);
  const files = await members(ranges);
  const scene = await readScene(files);
  expect(scene.ego).toHaveLength(601);
  expect([scene.ego[0]!.at, scene.duration]).toEqual([0, 20]);
  expect([...scene.tracks.values()].reduce((sum, poses) => sum + poses.length, 0)).toBe(402);
  expect(new Set(scene.lines.map((line) => line.kind))).toEqual(new Set(["road_boundary", "lane_line", "crosswalk", "wait_line", "intersection_area"]));
  expect((await readRig(files)).map((camera) => camera.name)).toContain("camera:front_wide_120fov");
  const layers = await readLayers(files);
  expect(layers.find((layer) => layer.name === "obstacle")).toMatchObject({ rows: 402 });
  expect(layers.find((layer) => layer.name === "obstacle")?.columns).toContain("obstacle.center.x");
  expect(ranges.requests).toBe(1);
});

test("of a large clip only the directory and the needed members are read", async () => {
  const small = new Uint8Array(readFileSync(SAMPLE));
  const size = 200_000_000;
  // The archive lies at the end of a file of 200 MB: what comes before it is never read.
  const asked: string[] = [];
  vi.stubGlobal("fetch", async (_url: string, { headers }: { headers: { Range: string } }) => {
    asked.push(headers.Range);
    const [first, last] = headers.Range.slice("bytes=".length).split("-").map(Number) as [number, number];
    const shift = size - small.length;
    const data = new Uint8Array(last - first + 1);
    for (let at = Math.max(first, shift); at <= last; at += 1) data[at - first] = small[at - shift]!;
    return new Response(data, { status: 206 });
  });
  const ranges = new Ranges("https://clips/a.zip", size);
  await readScene(await members(ranges));
  expect(ranges.bytes).toBeLessThan(2_000_000);
  expect(asked.length).toBeLessThan(8);
});

/** A member of a clip whose bytes are these. */
const member = (name: string, read: () => Promise<Uint8Array>, packed = 10): Member => ({ name, packed, size: packed, read });

test("a layer that is broken or too large is named, and the others are drawn", async () => {
  const file = new Uint8Array(readFileSync(SAMPLE));
  store(file);
  const whole = await members(new Ranges("https://clips/a.zip", file.length));
  const others = whole.filter((one) => !["obstacle", "crosswalk"].includes(layerOf(one.name) ?? ""));
  const broken = member("x.crosswalk.parquet", async () => new TextEncoder().encode("no Parquet"));
  const files = [...others, broken, member("x.obstacle.parquet", async () => file, 2_000_000)];
  const scene = await readScene(files);
  expect(scene.ego).toHaveLength(601);
  expect(scene.left).toEqual(["obstacle (too large to be read here)", expect.stringMatching(/^crosswalk \(broken: .*parquet/)]);
  const layers = await readLayers(files);
  expect(layers.filter((one) => one.fault).map((one) => one.name)).toEqual(["crosswalk"]);
});

test("a store that stops in the middle breaks no layer", async () => {
  const stopped = member("x.obstacle.parquet", () => Promise.reject(new RangeFault("The store answered with status 403.")));
  await expect(readScene([stopped])).rejects.toThrow(/status 403/);
  await expect(readLayers([stopped])).rejects.toThrow(/status 403/);
  vi.stubGlobal("fetch", () => Promise.reject(new TypeError("Failed to fetch")));
  await expect(members(new Ranges("https://clips/a.zip", 1_000))).rejects.toThrow(/The store did not answer/);
});

test("an obstacle without a whole place is left out", () => {
  const row = (center: unknown) => ({ key: { timestamp_micros: 0 }, obstacle: { trackline_id: 1, center } });
  expect([...obstacleTracks([row({ x: 1, y: null }), row({ x: NaN, y: 1 }), row({ x: 1, y: 2 })]).values()].flat()).toMatchObject([{ x: 1, y: 2 }]);
});

test("a link that the store refuses is a fault", async () => {
  vi.stubGlobal("fetch", async () => new Response("", { status: 403 }));
  await expect(members(new Ranges("https://clips/a.zip", 1_000))).rejects.toThrow(/status 403/);
});

test("poses between two samples are interpolated, also across the turn of the compass", () => {
  const poses = [{ at: 0, x: 0, y: 0, heading: 3 }, { at: 2, x: 4, y: 2, heading: -3 }];
  const half = poseAt(poses, 1)!;
  expect([half.x, half.y]).toEqual([2, 1]);
  expect(Math.abs(Math.cos(half.heading) + 1)).toBeLessThan(1e-9);
  expect([poseAt(poses, -1), poseAt(poses, 3), poseAt([], 0)]).toEqual([null, null, null]);
});

test("rows without a time or a place are left out", () => {
  const row = (key: unknown, location: unknown) => ({ key, egomotion_estimate: { location } });
  expect(egoPath([row({ timestamp_micros: 2_000_000n }, { x: 1, y: 2 }), row(null, { x: 1, y: 2 }), row({ timestamp_micros: 1 }, null)])).toEqual([
    { at: 2, x: 1, y: 2, heading: 0 },
  ]);
  expect(heading({ x: 0, y: 0, z: Math.SQRT1_2, w: Math.SQRT1_2 })).toBeCloseTo(Math.PI / 2);
});

test("names of layers and of columns", () => {
  expect(["x.obstacle.parquet", "clipgt/lane.parquet", "a/b.json"].map(layerOf)).toEqual(["obstacle", "lane", null]);
  const schema = [
    { name: "schema", num_children: 1 }, { name: "lane", num_children: 1 }, { name: "rail", num_children: 1 },
    { name: "list", num_children: 1 }, { name: "element", num_children: 2 }, { name: "x" }, { name: "y" },
  ];
  expect(leaves(schema)).toEqual(["lane.rail.x", "lane.rail.y"]);
});

test("a scene without points has an extent all the same", () => {
  expect(extent({ ego: [], tracks: new Map(), lines: [], duration: 0, left: [] })).toEqual({ left: -10, right: 10, bottom: -10, top: 10 });
});
