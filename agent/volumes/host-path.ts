import { stat, writeFile } from "node:fs/promises";
import { ifPresent } from "../../base/os/if-present.ts";
import { makeFolder } from "../../base/os/make-folder.ts";
import { ConfigError } from "../sync/environment.ts";

/** Throws ConfigError when the path is not what its type says; makes …OrCreate ones. */
export async function checkHostPath(path: string, type: string): Promise<void> {
  const found = await ifPresent(stat(path));
  if (type === "DirectoryOrCreate" && found === undefined) {
    await makeFolder(path, 0o755);
    return;
  }
  if (type === "FileOrCreate" && found === undefined) return writeFile(path, "", { mode: 0o644 });
  const ok: Readonly<Record<string, boolean | undefined>> = {
    "": true,
    Directory: found?.isDirectory(),
    DirectoryOrCreate: found?.isDirectory(),
    File: found?.isFile(),
    FileOrCreate: found?.isFile(),
    Socket: found?.isSocket(),
    CharDevice: found?.isCharacterDevice(),
    BlockDevice: found?.isBlockDevice(),
  };
  if (ok[type] !== true) throw new ConfigError(`hostPath type check failed: ${path} is not a ${type}`);
}
