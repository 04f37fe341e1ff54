// The files that a user drops or picks, with the keys that they get: a folder's files keep its name.

export interface Found {
  file: File;
  key: string;
}

/** As `clipferry upload`: files whose names begin with a dot are left out of folders. */
const hidden = (path: string) => path.split("/").some((part) => part.startsWith("."));

/** Read folders to their end. The entries must be taken from the event before anything is awaited. */
export async function dropped(transfer: DataTransfer): Promise<Found[]> {
  const items = [...transfer.items].map((item) => item.webkitGetAsEntry() ?? item.getAsFile());
  const found = items.map(async (item) => {
    if (item instanceof File) return [{ file: item, key: item.name }];
    return item ? walk(item, "") : [];
  });
  return (await Promise.all(found)).flat();
}

async function walk(entry: FileSystemEntry, above: string): Promise<Found[]> {
  const key = above + entry.name;
  if (above && hidden(entry.name)) return [];
  if (entry.isFile) {
    const file = await new Promise<File>((done, failed) => (entry as FileSystemFileEntry).file(done, failed));
    return [{ file, key }];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const found: Found[] = [];
  for (;;) {
    // A browser returns some entries at a time.
    const some = await new Promise<FileSystemEntry[]>((done, failed) => reader.readEntries(done, failed));
    if (some.length === 0) return found;
    for (const one of some) found.push(...(await walk(one, `${key}/`)));
  }
}

export function picked(files: FileList): Found[] {
  return [...files]
    .map((file) => ({ file, key: file.webkitRelativePath || file.name }))
    .filter(({ file, key }) => !file.webkitRelativePath || !hidden(key.split("/").slice(1).join("/")));
}
