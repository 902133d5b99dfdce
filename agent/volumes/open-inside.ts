import { constants } from "node:fs";
import { chmod, type FileHandle, mkdir, open, readlink } from "node:fs/promises";
import { ifPresent } from "../../base/os/if-present.ts";
import { ConfigError } from "../sync/environment.ts";

/** Names a file without opening it for reading: what a mount needs. Node has no name for it. */
const O_PATH = 0o10000000;
const linksMax = 40;

/** A path inside a folder whose content others may change at any moment, as a descriptor of what was found there. Each part
 *  is opened relative to the descriptor of the one before, never following a link; links are followed by hand and must
 *  stay inside. So whatever is swapped meanwhile, the descriptor names something that was inside. Folders that lack are
 *  made if `create`, as open as the volume's own. The caller closes it. */
export async function openInside(root: string, path: string, create: boolean): Promise<FileHandle> {
  const leaves = () => new ConfigError(`subPath ${path} leaves its volume`);
  if (path.startsWith("/") || path.split("/").includes("..")) throw leaves();
  const opened = [await open(root, O_PATH | constants.O_DIRECTORY)];
  try {
    const mode = ((await opened[0]?.stat())?.mode ?? 0) & 0o7777;
    const todo = partsOf(path);
    for (let links = 0; todo.length > 0; ) {
      const part = todo.shift() ?? "";
      const here = opened.at(-1);
      if (part === "..") {
        if (opened.length === 1) throw leaves();
        await opened.pop()?.close();
        continue;
      }
      const at = `/proc/self/fd/${here?.fd}/${part}`;
      const found = await openPart(at, create ? mode : undefined);
      if (found === undefined) throw new ConfigError(`subPath ${path} does not exist`);
      if (!(await found.stat()).isSymbolicLink()) {
        opened.push(found);
        continue;
      }
      await found.close();
      if (++links > linksMax) throw new ConfigError(`subPath ${path}: too many links`);
      const target = await ifPresent(readlink(at).catch(noLinkAnyMore));
      if (target === undefined) throw new ConfigError(`subPath ${path} changes while it is looked up`);
      if (target.startsWith("/")) throw leaves();
      todo.unshift(...partsOf(target));
    }
    const last = opened.pop();
    if (last === undefined) throw leaves();
    return last;
  } finally {
    for (const one of opened) await one.close();
  }
}

function partsOf(path: string): string[] {
  return path.split("/").filter((part) => part !== "" && part !== ".");
}

/** @param mode Of the folder that is made where there is nothing; undefined: none is. */
async function openPart(at: string, mode: number | undefined): Promise<FileHandle | undefined> {
  const found = await ifPresent(open(at, O_PATH | constants.O_NOFOLLOW));
  if (found !== undefined || mode === undefined) return found;
  try {
    await mkdir(at);
  } catch (error) {
    // Somebody else was faster; what it is shows when it is opened.
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST"))
      throw new ConfigError("subPath cannot be made", { cause: error });
  }
  const made = await ifPresent(open(at, O_PATH | constants.O_NOFOLLOW));
  if (made !== undefined && (await made.stat()).isDirectory()) await chmod(`/proc/self/fd/${made.fd}`, mode);
  return made;
}

function noLinkAnyMore(error: unknown): undefined {
  if (error instanceof Error && "code" in error && error.code === "EINVAL") return undefined;
  throw error;
}
