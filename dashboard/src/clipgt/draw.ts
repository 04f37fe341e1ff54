// Draw a scene from above at one moment.
import { poseAt, type Scene } from "./clip";

/** Metres around the drawn points. */
const MARGIN = 6;
const COLORS: Record<string, string> = {
  automobile: "--accent", car: "--accent", heavy_truck: "--warn", truck: "--warn", bus: "--warn", person: "--bad", pedestrian: "--bad", rider: "--bad", bicycle: "--bad",
};

export interface Frame {
  ego: { x: number; y: number } | null;
  obstacles: number;
}

/** Metres that the drawing shows: the whole path and every obstacle. */
export function extent(scene: Scene): { left: number; right: number; bottom: number; top: number } {
  const points = [...scene.ego, ...[...scene.tracks.values()].flat()];
  const xs = points.map((point) => point.x);
  const ys = points.map((point) => point.y);
  const least = (values: number[]) => values.reduce((a, b) => Math.min(a, b), Infinity);
  const most = (values: number[]) => values.reduce((a, b) => Math.max(a, b), -Infinity);
  if (!points.length) return { left: -10, right: 10, bottom: -10, top: 10 };
  return { left: least(xs) - MARGIN, right: most(xs) + MARGIN, bottom: least(ys) - MARGIN, top: most(ys) + MARGIN };
}

export function draw(canvas: HTMLCanvasElement, scene: Scene, at: number): Frame {
  const ratio = devicePixelRatio || 1;
  const width = canvas.clientWidth * ratio;
  const height = canvas.clientHeight * ratio;
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const style = getComputedStyle(canvas);
  const color = (name: string) => style.getPropertyValue(name).trim();
  const pen = canvas.getContext("2d");
  const ego = poseAt(scene.ego, at);
  const present = [...scene.tracks.values()].map((track) => poseAt(track, at)).filter((pose) => pose !== null);
  if (!pen) return { ego, obstacles: present.length };

  const box = extent(scene);
  const scale = Math.min(width / (box.right - box.left), height / (box.top - box.bottom));
  const x = (value: number) => width / 2 + (value - (box.left + box.right) / 2) * scale;
  const y = (value: number) => height / 2 - (value - (box.bottom + box.top) / 2) * scale;

  pen.clearRect(0, 0, width, height);
  for (const line of scene.lines) {
    pen.strokeStyle = color(line.kind === "road_boundary" ? "--soft" : "--line");
    pen.lineWidth = ratio * (line.kind === "road_boundary" ? 1.6 : 1);
    pen.beginPath();
    line.points.forEach((point, index) => (index ? pen.lineTo(x(point.x), y(point.y)) : pen.moveTo(x(point.x), y(point.y))));
    pen.stroke();
  }
  function path(upTo: number, stroke: string, wide: number) {
    if (!pen) return;
    pen.strokeStyle = stroke;
    pen.lineWidth = wide * ratio;
    pen.beginPath();
    scene.ego.filter((pose) => pose.at <= upTo).forEach((pose, index) => (index ? pen.lineTo(x(pose.x), y(pose.y)) : pen.moveTo(x(pose.x), y(pose.y))));
    pen.stroke();
  }
  path(Infinity, color("--skip"), 1.5);
  path(at, color("--good"), 3);
  function rectangle(pose: { x: number; y: number; heading: number }, long: number, broad: number, fill: string) {
    if (!pen) return;
    pen.save();
    pen.translate(x(pose.x), y(pose.y));
    pen.rotate(-pose.heading);
    pen.fillStyle = fill;
    const [w, h] = [Math.max(long * scale, 3 * ratio), Math.max(broad * scale, 3 * ratio)];
    pen.fillRect(-w / 2, -h / 2, w, h);
    pen.restore();
  }
  for (const one of present) rectangle(one, one.length, one.width, color(COLORS[one.category] ?? "--idle"));
  if (ego) rectangle(ego, 4.6, 1.9, color("--good"));
  // A scale of a round number of metres.
  const metres = [1, 2, 5, 10, 20, 50, 100, 200, 500].find((length) => length * scale > 50 * ratio) ?? 1000;
  pen.fillStyle = color("--soft");
  pen.fillRect(12 * ratio, height - 14 * ratio, metres * scale, 2 * ratio);
  pen.font = `${11 * ratio}px system-ui`;
  pen.fillText(`${metres} m`, 12 * ratio, height - 20 * ratio);
  return { ego, obstacles: present.length };
}
