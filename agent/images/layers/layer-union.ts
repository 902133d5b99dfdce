import { lstatSync, readdirSync, readlinkSync, type Stats } from "node:fs";
import { join } from "node:path";

export type Found =
  | { readonly kind: "absent" }
  /** Its folders, the topmost first; the topmost gives it its owner and mode. */
  | { readonly kind: "folder"; readonly folders: readonly string[] }
  | { readonly kind: "other"; readonly path: string; readonly stats: Stats };

const absent: Found = { kind: "absent" };

/** In an overlay, what stands for something removed. */
export const isWhiteout = (stats: Stats): boolean => stats.isCharacterDevice() && stats.rdev === 0;

/** What an overlay of layers' trees would show, found without mounting one. Paths are lists of names; none of them is a link but,
 *  perhaps, the last. Remembers folders: the layers must not change meanwhile. */
export class LayerUnion {
  readonly #known = new Map<string, Found>();

  /** Trees, the topmost first. */
  constructor(trees: readonly string[]) {
    this.#known.set("", trees.length === 0 ? absent : { kind: "folder", folders: trees });
  }

  find(path: readonly string[]): Found {
    const key = path.join("/");
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const above = this.find(path.slice(0, -1));
    const found = above.kind === "folder" ? findIn(above.folders, path.at(-1) ?? "") : absent;
    if (found.kind === "folder") this.#known.set(key, found);
    return found;
  }

  /** Names in a folder; none where there is no folder. */
  names(path: readonly string[]): readonly string[] {
    const found = this.find(path);
    if (found.kind !== "folder") return [];
    const names = new Set(found.folders.flatMap((folder) => readdirSync(folder)));
    return [...names].filter((name) => this.find([...path, name]).kind !== "absent");
  }

  /** Where a link leads; undefined for what is none. */
  linkTarget(path: readonly string[]): string | undefined {
    const found = this.find(path);
    return found.kind === "other" && found.stats.isSymbolicLink() ? readlinkSync(found.path) : undefined;
  }
}

function findIn(folders: readonly string[], name: string): Found {
  const merged: string[] = [];
  for (const folder of folders) {
    const path = join(folder, name);
    const stats = lstatSync(path, { throwIfNoEntry: false });
    if (stats === undefined) continue;
    if (isWhiteout(stats)) break;
    if (stats.isDirectory()) merged.push(path);
    else if (merged.length === 0) return { kind: "other", path, stats };
    else break;
  }
  return merged.length === 0 ? absent : { kind: "folder", folders: merged };
}
