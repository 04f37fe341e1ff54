import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { seconds } from "../lib/format";

export interface Line {
  label: string;
  values: number[];
  /** Name of a CSS variable. */
  color: string;
}

const HEIGHT = 170;
/** Seconds between two marks of the time. */
const STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 43200, 86400];

/** Draw lines over time (seconds since the start); the plot follows the width of `box`. */
export function plot(box: HTMLElement, xs: number[], lines: Line[]): { destroy(): void } {
  const style = getComputedStyle(box);
  const color = (name: string) => style.getPropertyValue(name).trim();
  const axis = { stroke: color("--soft"), grid: { stroke: color("--line"), width: 1 }, ticks: { show: false }, font: "11px system-ui" };
  const chart = new uPlot(
    {
      width: Math.max(200, box.clientWidth),
      height: HEIGHT,
      legend: { show: false },
      cursor: { show: false },
      scales: { x: { time: false } },
      axes: [{ ...axis, size: 28, incrs: STEPS, space: 80, values: (_, marks) => marks.map(seconds) }, { ...axis, size: 52 }],
      series: [
        {},
        ...lines.map((line) => ({
          label: line.label,
          stroke: color(line.color),
          fill: `color-mix(in srgb, ${color(line.color)} 12%, transparent)`,
          width: 2,
          points: { show: false },
        })),
      ],
    },
    [xs, ...lines.map((line) => line.values)],
    box,
  );
  const watch = new ResizeObserver(() => chart.setSize({ width: Math.max(200, box.clientWidth), height: HEIGHT }));
  watch.observe(box);
  return {
    destroy() {
      watch.disconnect();
      chart.destroy();
    },
  };
}
