import { createHash } from "node:crypto";
import {
  chmod,
  chown,
  lstat,
  mkdir,
  readdir,
  readlink,
  rename,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { dirname, join } from "node:path";
import { makeFolder } from "../../base/os/make-folder.ts";
import type { Payload } from "./payload.ts";

/** What a pod's group may do with files that are only read, whatever their mode says. */
const groupReads = 0o440;

/** Makes `folder` show exactly the payload. A reader that follows `..data` sees all of the old or all of the new. Answers
 *  whether anything changed. */
export async function showPayload(folder: string, payload: Payload, group?: number): Promise<boolean> {
  await makeFolder(folder, 0o755);
  const version = `..${versionOf(payload)}`;
  const data = join(folder, "..data");
  const before = await readlink(data).catch(missing);
  if (before !== version) {
    await rm(join(folder, version), { recursive: true, force: true });
    await mkdir(join(folder, version), { mode: 0o755 });
    for (const [path, { bytes, mode, owner }] of payload) {
      const at = join(folder, version, path);
      await makeFolder(dirname(at), 0o755);
      // Not for a moment readable for more than its mode says.
      await writeFile(at, bytes, { mode: 0o600 });
      // Only root gives files away.
      if ((group !== undefined || owner !== undefined) && process.getuid?.() === 0)
        await chown(at, owner ?? 0, group ?? 0);
      await chmod(at, group === undefined ? mode : mode | groupReads);
    }
    await rm(`${data}_tmp`, { force: true });
    await symlink(version, `${data}_tmp`);
    await rename(`${data}_tmp`, data);
  }
  const names = new Set([...payload.keys()].map((path) => path.split("/")[0] ?? ""));
  for (const name of names) {
    const link = join(folder, name);
    if ((await lstat(link).catch(missing)) === undefined) await symlink(join("..data", name), link);
  }
  for (const name of await readdir(folder))
    if (name !== "..data" && name !== version && !names.has(name))
      await rm(join(folder, name), { recursive: true, force: true });
  return before !== version;
}

function versionOf(payload: Payload): string {
  const hash = createHash("sha256");
  for (const path of [...payload.keys()].sort()) {
    const file = payload.get(path);
    hash
      .update(JSON.stringify([path, file?.mode, file?.owner, file?.bytes.length]))
      .update(file?.bytes ?? "");
  }
  return hash.digest("hex").slice(0, 32);
}

function missing(error: unknown): undefined {
  if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
  throw error;
}
