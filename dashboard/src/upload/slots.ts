// Requests to the store at once, of all files together.
const AT_ONCE = 6;

let free = AT_ONCE;
const waiting: (() => void)[] = [];

export async function shared<T>(work: () => Promise<T>): Promise<T> {
  if (free > 0) free -= 1;
  else await new Promise<void>((turn) => waiting.push(turn));
  try {
    return await work();
  } finally {
    const next = waiting.shift();
    if (next) next();
    else free += 1;
  }
}
