// What is known of uploads in parts that are not complete, so that they go on after a reload. A file is the same if its
// key, size and time of change are. Nothing here is a credential: links are asked for again.
import { signal } from "@preact/signals";

const PREFIX = "clipferry.upload.";

export interface Kept {
  key: string;
  size: number;
  modified: number;
  /** The service's time when it began. */
  started_at: string;
  upload_id: string;
  part_bytes: number;
}

const name = (project: string, key: string) => `${PREFIX}${project}/${key}`;

/** The project's uploads that can go on, by key. */
export const kept = signal<Kept[]>([]);

export function look(project: string): void {
  const names = Object.keys(localStorage).filter((one) => one.startsWith(name(project, "")));
  kept.value = names.sort().map((one) => JSON.parse(localStorage.getItem(one) ?? "") as Kept);
}

export function keep(project: string, upload: Kept): void {
  localStorage.setItem(name(project, upload.key), JSON.stringify(upload));
  look(project);
}

export function begun(project: string, key: string, file: File): Kept | null {
  const found = JSON.parse(localStorage.getItem(name(project, key)) ?? "null") as Kept | null;
  return found && found.size === file.size && found.modified === file.lastModified ? found : null;
}

/** The key of a chosen file: below `prefix`, or without one that of the interrupted upload of the same file. */
export function keyOf(file: Pick<File, "size" | "lastModified">, path: string, prefix: string, interrupted: Kept[]): string {
  if (prefix) return `${prefix}/${path}`;
  const same = interrupted.filter((one) => one.size === file.size && one.modified === file.lastModified && `/${one.key}`.endsWith(`/${path}`));
  return (same.find((one) => one.key === path) ?? same[0])?.key ?? path;
}

export function forget(project: string, key: string): void {
  localStorage.removeItem(name(project, key));
  look(project);
}
