import { closeSync, openSync, readSync } from "node:fs";

/** A file of the kernel's, which answers from memory. */
const kept = Buffer.allocUnsafe(64 * 1024);

/** Its text, of 64 KiB at most; undefined where there is none to read. Read at once: asking another thread would cost more
 *  than the kernel's answer. */
export function kernelText(path: string): string | undefined {
  let file: number;
  try {
    file = openSync(path, "r");
  } catch {
    return undefined; // not on this kernel, or gone meanwhile
  }
  try {
    let length = 0;
    while (length < kept.length) {
      const read = readSync(file, kept, length, kept.length - length, null);
      if (read === 0) break;
      length += read;
    }
    return kept.toString("latin1", 0, length);
  } catch {
    return undefined; // a controller that does not count here
  } finally {
    closeSync(file);
  }
}

/** The number that a file is; undefined also for `max`. */
export function kernelNumber(path: string): number | undefined {
  const text = kernelText(path);
  if (text === undefined) return undefined;
  const value = Number.parseInt(text, 10);
  return Number.isNaN(value) ? undefined : value;
}

/** Lines of `name value`, as memory.stat has them. */
export function kernelTable(path: string): ReadonlyMap<string, number> {
  const table = new Map<string, number>();
  const text = kernelText(path) ?? "";
  for (let at = 0; at < text.length; ) {
    const end = text.indexOf("\n", at);
    const line = text.slice(at, end < 0 ? text.length : end);
    const space = line.indexOf(" ");
    if (space > 0) table.set(line.slice(0, space), Number(line.slice(space + 1)));
    at = end < 0 ? text.length : end + 1;
  }
  return table;
}
