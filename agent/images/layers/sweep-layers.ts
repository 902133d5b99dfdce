import { randomUUID } from "node:crypto";
import { readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { ifPresent } from "../../../base/os/if-present.ts";
import { removeTree } from "../../remove-tree.ts";
import { readOptional } from "../../runtime/supervised/records.ts";
import type { Claims, LiveClaims } from "./claims.ts";

/** Begins the name of a tree that is being made, by whoever has that claim. */
export const newTree = (claimId: string): string => `.new-${claimId}-`;
const claimOfNew = (name: string): string | undefined => /^\.new-(.{36})-/.exec(name)?.[1];
/** Ends the name of a tree that shows a whole image. */
export const wholeSuffix = "-whole";
/** A lock that is no layer's. */
export const usersLock = "users";

/** A part of a layer that nobody went on with. */
const partMs = 24 * 3600 * 1000;

/** Removes what no list of images names and nobody is at work on, from the folder of a LayerStore. Nobody counts: lists and claims
 *  are read, so that nothing that was killed leaves a wrong count. */
export async function sweepLayers(dir: string, claims: Claims, youngMs: number): Promise<void> {
  const removed = await claims.duringSweep((live) => setAside(dir, live, youngMs));
  for (const path of removed) await removeTree(path);
}

/** Takes their names from trees that are to go, and removes what else is left. Answers the trees, which are nobody's now. */
async function setAside(dir: string, live: LiveClaims, youngMs: number): Promise<readonly string[]> {
  const at = (...names: string[]) => join(dir, ...names);
  const agesMs = async (...names: string[]) => {
    const about = await ifPresent(stat(at(...names)));
    return about === undefined ? Number.POSITIVE_INFINITY : Date.now() - about.mtimeMs;
  };
  const named = await namedByUsers(at("users"));
  const removed: string[] = [];
  for (const name of await readdir(at("trees"))) {
    if (name.startsWith(".")) {
      if (!live.ids.has(claimOfNew(name) ?? "")) removed.push(at("trees", name));
      continue;
    }
    const isNamed =
      named.has(name) || (name.endsWith(wholeSuffix) && named.has(name.slice(0, -wholeSuffix.length)));
    if (isNamed || live.names.has(name) || (await agesMs("records", `${name}.json`)) < youngMs) continue;
    const aside = at("trees", `.old-${randomUUID()}`);
    await rename(at("trees", name), aside);
    removed.push(aside);
  }
  for (const file of await readdir(at("records"))) {
    const name = file.replace(/\.json(\.new)?$/, "");
    if (live.names.has(name) || (await ifPresent(stat(at("trees", name))))) continue;
    await rm(at("records", file), { force: true });
  }
  // Only who has a claim of a name takes its lock.
  for (const name of await readdir(at("locks")))
    if (name !== usersLock && !live.names.has(name)) await rm(at("locks", name), { force: true });
  for (const name of await readdir(at("parts")))
    if (!live.names.has(name) && (await agesMs("parts", name)) > partMs)
      await rm(at("parts", name), { force: true });
  return removed;
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
