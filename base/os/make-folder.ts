import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";

/** Makes a folder and those above it that are missing. Resolves to the first one that it made, or undefined where all were there.
 *  Rejects with the system's error. Node's own way of it never ends, and keeps a thread busy for good, where nothing can be
 *  made in a folder that is there (below /proc). */
export async function makeFolder(path: string, mode = 0o777): Promise<string | undefined> {
  try {
    return await makeOne(path, mode);
  } catch (error) {
    const above = dirname(path);
    if (codeOf(error) !== "ENOENT" || above === path) throw error;
    const first = await makeFolder(above, mode);
    // What is still missing above it now will not come.
    const made = await makeOne(path, mode);
    return first ?? made;
  }
}

async function makeOne(path: string, mode: number): Promise<string | undefined> {
  try {
    await mkdir(path, { mode });
    return path;
  } catch (error) {
    if (codeOf(error) === "ENOENT") throw error;
    // Some file systems refuse before they look whether it is there.
    const isThere = await stat(path).then(
      (found) => found.isDirectory(),
      () => false, // the first error says more
    );
    if (!isThere) throw error;
    return undefined;
  }
}

const codeOf = (error: unknown) => (error instanceof Error && "code" in error ? error.code : undefined);
