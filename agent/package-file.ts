import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** A file of this package by its path in it, found from the sources as from a bundle somewhere below the package's folder;
 *  undefined when the package is not whole. */
export function packageFile(path: string): string | undefined {
  for (let at = dirname(fileURLToPath(import.meta.url)); ; at = dirname(at)) {
    if (existsSync(join(at, path))) return join(at, path);
    if (at === dirname(at)) return undefined;
  }
}
