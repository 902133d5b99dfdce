import type { Stats } from "node:fs";
import { stat, writeFile } from "node:fs/promises";
import { ifPresent } from "../../base/os/if-present.ts";
import { makeFolder } from "../../base/os/make-folder.ts";
import { ConfigError } from "../sync/environment.ts";

/** What a path must be for each type, in the kubelet's words. */
const kinds: Readonly<Record<string, readonly [text: string, is: (found: Stats) => boolean]>> = {
  Directory: ["a directory", (found) => found.isDirectory()],
  DirectoryOrCreate: ["a directory", (found) => found.isDirectory()],
  File: ["a file", (found) => found.isFile()],
  FileOrCreate: ["a file", (found) => found.isFile()],
  Socket: ["a socket file", (found) => found.isSocket()],
  CharDevice: ["a character device", (found) => found.isCharacterDevice()],
  BlockDevice: ["a block device", (found) => found.isBlockDevice()],
};

/** Throws ConfigError when the path is not what its type says; makes …OrCreate ones, and a folder where nothing is said and
 *  nothing is there, as container runtimes do for a kubelet. */
export async function checkHostPath(path: string, type: string): Promise<void> {
  const found = await ifPresent(stat(path));
  if (found === undefined && ["", "DirectoryOrCreate"].includes(type)) {
    await makeFolder(path, 0o755);
    return;
  }
  if (type === "FileOrCreate" && found === undefined) return writeFile(path, "", { mode: 0o644 });
  if (type === "") return;
  const kind = Object.hasOwn(kinds, type) ? kinds[type] : undefined;
  if (kind === undefined) throw new ConfigError(`${type} is an invalid volume type`);
  const [text, is] = kind;
  if (found === undefined || !is(found))
    throw new ConfigError(`hostPath type check failed: ${path} is not ${text}`);
}
