import { lstat, readFile, readlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { ifPresent } from "../../base/os/if-present.ts";
import { ImageError } from "./image.ts";

const linksMost = 40;

/** Where `path` leads inside `root` when root is `/`: links in its folders are followed within the tree, `..` stops at
 *  its top. The last part is not followed. The kernel never resolves a link of the tree's: it would use the host's root. */
export async function pathInTree(root: string, path: string): Promise<string> {
  const todo = path.split("/").filter((part) => part !== "" && part !== ".");
  const done: string[] = [];
  for (let links = 0; todo.length > 0; ) {
    const part = todo.shift() ?? "";
    if (part === "..") {
      done.pop();
      continue;
    }
    if (part.includes("\0")) throw new ImageError("a name in the archive holds a zero byte");
    const here = join(root, ...done, part);
    const target = todo.length === 0 ? undefined : await linkTarget(here);
    if (target === undefined) {
      done.push(part);
      continue;
    }
    if (++links > linksMost) throw new ImageError(`too many links on the way to ${path}`);
    if (target.startsWith("/")) done.length = 0;
    todo.unshift(...target.split("/").filter((one) => one !== "" && one !== "."));
  }
  return join(root, ...done);
}

/** The text of a regular file in the tree, links followed within it; empty when there is none or it is larger than
 *  `bytesMax`. */
export async function textInTree(root: string, path: string, bytesMax: number): Promise<string> {
  const found = dirname(await pathInTree(root, `${path}/.x`)); // so that a link in its last part is followed too
  const about = await ifPresent(lstat(found));
  return about?.isFile() && about.size <= bytesMax ? readFile(found, "utf8") : "";
}

async function linkTarget(path: string): Promise<string | undefined> {
  try {
    return (await lstat(path)).isSymbolicLink() ? await readlink(path) : undefined;
  } catch (error) {
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR"))
      return undefined;
    throw error;
  }
}
