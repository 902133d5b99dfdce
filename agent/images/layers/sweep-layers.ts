import { randomUUID } from "node:crypto";
import { readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { FileHeldError, holdFile } from "../../../base/os/hold-file.ts";
import { ifPresent } from "../../../base/os/if-present.ts";
import { readOptional } from "../../runtime/supervised/records.ts";

/** Begins the name of a tree that is being made. */
export const newTree = ".new-";
/** Ends the name of a tree that shows a whole image. */
export const wholeSuffix = "-whole";

/** A part of a layer that nobody went on with. */
const partMs = 24 * 3600 * 1000;

/** Removes what no list of images names, from the folder of a LayerStore. Does nothing where somebody is at work there, whichever
 *  process that is; then `sweep-wanted` stays. Nobody counts: lists are read, so that nothing that was killed leaves a wrong
 *  count. */
export async function sweepLayers(dir: string): Promise<void> {
  const at = (...names: string[]) => join(dir, ...names);
  let release: () => Promise<void>;
  try {
    release = await holdFile(at("use.lock"));
  } catch (error) {
    if (error instanceof FileHeldError) return;
    throw error;
  }
  try {
    await rm(at("sweep-wanted"), { force: true });
    const named = await namedByUsers(at("users"));
    for (const name of await readdir(at("trees"))) {
      const isUsed =
        named.has(name) || (name.endsWith(wholeSuffix) && named.has(name.slice(0, -wholeSuffix.length)));
      if (isUsed) continue;
      // Whatever has a name is whole.
      if (!name.startsWith(".")) await rename(at("trees", name), at("trees", `.old-${randomUUID()}`));
      await rm(at("records", `${name}.json`), { force: true });
    }
    for (const name of await readdir(at("records")))
      if (!(await ifPresent(stat(at("trees", name.replace(/\.json(\.new)?$/, ""))))))
        await rm(at("records", name), { force: true });
    // Nobody is at work: nobody holds one.
    for (const name of await readdir(at("locks"))) await rm(at("locks", name), { force: true });
    for (const name of await readdir(at("parts"))) {
      const about = await ifPresent(stat(at("parts", name)));
      if (about !== undefined && Date.now() - about.mtimeMs > partMs)
        await rm(at("parts", name), { force: true });
    }
    for (const name of await readdir(at("trees")))
      if (name.startsWith(".")) await rm(at("trees", name), { recursive: true, force: true });
  } finally {
    await release();
  }
}

/** Names of layers in the lists of all nodes; those of a node whose folder is gone do not count. Rejects where a list cannot be
 *  read: then nothing may be removed. */
async function namedByUsers(folder: string): Promise<ReadonlySet<string>> {
  const named = new Set<string>();
  for (const file of await readdir(folder)) {
    const text = await readOptional(join(folder, file));
    if (text === undefined || !file.endsWith(".json")) continue;
    const { imagesDir } = JSON.parse(text) as { readonly imagesDir: string }; // written by us, whole
    if (!(await ifPresent(stat(imagesDir)))) {
      await rm(join(folder, file), { force: true });
      continue;
    }
    const list = (await readOptional(join(imagesDir, "images.json"))) ?? "[]";
    for (const { layers } of JSON.parse(list) as { readonly layers?: readonly string[] }[])
      for (const name of layers ?? []) named.add(name);
  }
  return named;
}
