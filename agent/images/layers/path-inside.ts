import { readFileSync } from "node:fs";
import { ImageError } from "../image.ts";
import { LayerUnion } from "./layer-union.ts";

const linksMost = 40;
/** Longer than any path that a kernel takes. */
const charsMost = 4096;

/** Where `text` leads when the image's root is `/`: links in its folders are followed inside the image, `..` stops at its top.
 *  The last name is not followed. The kernel never resolves a link of an image's: it would begin at the host's root. */
export function pathInside(
  text: string,
  linkTarget: (path: readonly string[]) => string | undefined,
): readonly string[] {
  if (text.length > charsMost) throw new ImageError(`a path of ${text.length} characters`);
  const todo = namesOf(text);
  const done: string[] = [];
  for (let links = 0; todo.length > 0; ) {
    const name = todo.shift() ?? "";
    if (name === "..") {
      done.pop();
      continue;
    }
    if (name.includes("\0")) throw new ImageError("a name in the archive holds a zero byte");
    done.push(name);
    const target = todo.length === 0 ? undefined : linkTarget(done);
    if (target === undefined) continue;
    if (++links > linksMost) throw new ImageError(`too many links on the way to ${text}`);
    done.pop();
    if (target.startsWith("/")) done.length = 0;
    todo.unshift(...namesOf(target));
  }
  return done;
}

const namesOf = (text: string): string[] => text.split("/").filter((name) => name !== "" && name !== ".");

/** The text of a regular file of an image, links followed inside it; empty when there is none or it is larger than `bytesMax`.
 *  `trees`: the image's layers, the topmost first. */
export function textInside(trees: readonly string[], path: string, bytesMax: number): string {
  const union = new LayerUnion(trees);
  // So that a link in its last part is followed too.
  const names = pathInside(`${path}/.x`, (at) => union.linkTarget(at)).slice(0, -1);
  const found = union.find(names);
  return found.kind === "other" && found.stats.isFile() && found.stats.size <= bytesMax
    ? readFileSync(found.path, "utf8")
    : "";
}
