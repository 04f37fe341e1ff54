import { useEffect, useRef, useState } from "preact/hooks";
import { ApiError } from "../lib/api";
import { type Layer, readLayers, readRig, readScene, type Rig, type Scene } from "../clipgt/clip";
import { draw, type Frame } from "../clipgt/draw";
import { members, Ranges } from "../clipgt/zip";
import { bytes, number, plural, seconds } from "../lib/format";
import { Failure, Loading } from "../ui/basics";
import { link } from "./clip";

interface Found {
  scene: Scene;
  rig: Rig[];
  layers: Layer[];
  read: { requests: number; bytes: number; ms: number };
}

/** The clip drawn from above, read by ranges: neither the service nor the browser reads the whole clip. */
export function ClipGt({ id, size }: { id: string; size: number }) {
  const [found, setFound] = useState<Found | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  const [tries, setTries] = useState(0);
  useEffect(() => {
    let gone = false;
    setError(null);
    async function load() {
      const begun = performance.now();
      const ranges = new Ranges((await link(id)).url, size);
      const files = await members(ranges);
      const scene = await readScene(files);
      const read = { requests: ranges.requests, bytes: ranges.bytes, ms: performance.now() - begun };
      if (!gone) setFound({ scene, rig: [], layers: [], read });
      const layers = await readLayers(files);
      if (!gone) setFound({ scene, rig: [], layers, read });
      const rig = await readRig(files);
      if (!gone) setFound({ scene, rig, layers, read: { ...read, requests: ranges.requests, bytes: ranges.bytes } });
    }
    load().catch((fault: unknown) => {
      if (!gone) setError(fault instanceof ApiError ? fault : new ApiError(0, "UNREADABLE", `The clip cannot be read: ${fault instanceof Error ? fault.message : String(fault)}`));
    });
    return () => {
      gone = true;
    };
  }, [id, size, tries]);
  return (
    <>
      {!found && !error && <Loading what="the drawing" />}
      {found && <Bird scene={found.scene} read={found.read} />}
      <Failure error={error} retry={() => setTries(tries + 1)} />
      {found && found.rig.length > 0 && <Cameras rig={found.rig} />}
      {found && found.layers.length > 0 && <Layers layers={found.layers} />}
    </>
  );
}

function Bird({ scene, read }: { scene: Scene; read: Found["read"] }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [at, setAt] = useState(0);
  const [playing, setPlaying] = useState(false);
  const [frame, setFrame] = useState<Frame | null>(null);

  useEffect(() => {
    const surface = canvas.current;
    if (!surface) return;
    const again = () => setFrame(draw(surface, scene, at));
    again();
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const watch = new ResizeObserver(() => requestAnimationFrame(again));
    watch.observe(surface);
    dark.addEventListener("change", again);
    return () => {
      watch.disconnect();
      dark.removeEventListener("change", again);
    };
  }, [scene, at]);

  useEffect(() => {
    if (!playing) return;
    let last = performance.now();
    let request = requestAnimationFrame(function step(now) {
      setAt((time) => {
        const next = time + (now - last) / 1000;
        last = now;
        if (next >= scene.duration) setPlaying(false);
        return Math.min(scene.duration, next);
      });
      request = requestAnimationFrame(step);
    });
    return () => cancelAnimationFrame(request);
  }, [playing, scene]);

  const left = scene.left.length > 0 && <p class="note wrap">Not drawn: {scene.left.join(", ")}.</p>;
  if (scene.ego.length === 0) return <section>{left}<p>The clip has no ego path to draw.</p></section>;
  const place = frame?.ego ? `${frame.ego.x.toFixed(1)}, ${frame.ego.y.toFixed(1)} m` : "–";
  return (
    <section class="bird" aria-label="Bird's-eye view">
      <canvas
        ref={canvas}
        role="img"
        aria-label={`Seen from above at ${at.toFixed(1)} s: the car at ${place}, ${plural(frame?.obstacles ?? 0, "obstacle")}`}
        data-poses={scene.ego.length}
        data-tracks={scene.tracks.size}
        data-obstacles={frame?.obstacles ?? 0}
      />
      <div class="player">
        <button
          onClick={() => {
            if (!playing && at >= scene.duration) setAt(0);
            setPlaying(!playing);
          }}
        >
          {playing ? "Pause" : "Play"}
        </button>
        <input
          type="range"
          aria-label="Time in the clip"
          min={0}
          max={scene.duration}
          step={0.05}
          value={at}
          aria-valuetext={`${at.toFixed(1)} of ${scene.duration.toFixed(1)} seconds`}
          onInput={(event) => setAt(event.currentTarget.valueAsNumber)}
        />
        <span class="mono">
          {at.toFixed(1)} / {scene.duration.toFixed(1)} s
        </span>
      </div>
      {left}
      <p class="hint">
        {plural(scene.ego.length, "pose")}, {plural(scene.tracks.size, "obstacle track")}, {plural(frame?.obstacles ?? 0, "obstacle")} now.
        Read {bytes(read.bytes)} in {plural(read.requests, "request")}, {seconds(read.ms / 1000)}.
      </p>
    </section>
  );
}

function Cameras({ rig }: { rig: Rig[] }) {
  return (
    <section aria-labelledby="cameras">
      <h2 id="cameras">Cameras</h2>
      <ul>
        {rig.map((camera) => (
          <li key={camera.name}>
            <span class="mono">{camera.name}</span> {camera.width && `${camera.width}\u00a0×\u00a0${camera.height}`}
          </li>
        ))}
      </ul>
    </section>
  );
}

function Layers({ layers }: { layers: Layer[] }) {
  return (
    <section aria-labelledby="layers">
      <h2 id="layers">Layers</h2>
      <div class="scroll" tabIndex={0}>
        <table class="list">
          <thead>
            <tr>
              <th scope="col">Layer</th>
              <th scope="col" class="num">Rows</th>
              <th scope="col" class="num">Packed</th>
              <th scope="col">Columns</th>
            </tr>
          </thead>
          <tbody>
            {layers.map((layer) => (
              <tr key={layer.name}>
                <td class="mono">{layer.name}</td>
                <td class={`num ${layer.fault ? "bad" : ""}`} title={layer.fault ?? ""}>{layer.fault ? "broken" : layer.rows === null ? "not read" : number(layer.rows)}</td>
                <td class="num">{bytes(layer.packed)}</td>
                <td title={layer.columns.join("\n")}>{layer.columns.length ? plural(layer.columns.length, "column") : "–"}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
