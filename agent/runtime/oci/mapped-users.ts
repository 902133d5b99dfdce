import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { makeFolder } from "../../../base/os/make-folder.ts";
import { RuntimeError, type UserRange } from "../seam.ts";
import { signalProcess } from "../supervised/process-birth.ts";
import { mustRun, runCommand } from "../supervised/run-command.ts";
import { shimFile } from "../supervised/start-shim.ts";
import { startPause } from "./pause.ts";

/** A pod's own users, and a process of its user namespace. */
export interface MappedUsers extends UserRange {
  readonly pid: number;
}

/** Shows folders and files below `dir` to a pod's own users, with all that is mounted in them, or without; answers where, in the
 *  same order. Rejects with RuntimeError where their file systems cannot do that. */
export async function showMapped(
  paths: readonly string[],
  dir: string,
  { pid, reach }: { readonly pid: number; readonly reach: "all" | "one" },
): Promise<readonly string[]> {
  const program = shimFile("idmap.pl");
  if (program === undefined) throw new RuntimeError("agent/runtime/shim/idmap.pl is missing");
  await makeFolder(dir, 0o711);
  const places: string[] = [];
  for (const [index, path] of paths.entries()) {
    const at = join(dir, String(index));
    if ((await stat(path)).isDirectory()) await makeFolder(at, 0o755);
    else await writeFile(at, "");
    places.push(at);
  }
  const pairs = paths.flatMap((path, index) => [path, places[index] ?? ""]);
  await mustRun(["perl", program, String(pid), reach, ...pairs]);
  return places;
}

/** Whether pods can have users of their own: kernel and file system show folders to other users. */
export async function supportsUserNamespaces(rootDir: string): Promise<boolean> {
  await makeFolder(rootDir, 0o711);
  const dir = await mkdtemp(join(rootDir, "try-"));
  try {
    const users = { first: 65_536, length: 65_536 };
    const little = { hostIpc: true, hostNetwork: true, sharedPid: false, hostname: "", sysctls: {} };
    const pause = await startPause({ ...little, users }, dir);
    try {
      const [at = dir] = await showMapped([dir], join(dir, "shown"), { pid: pause.pid, reach: "one" });
      await mustRun(["umount", "-l", at]);
      return true;
    } finally {
      signalProcess(pause, "SIGKILL");
    }
  } catch (error) {
    if (error instanceof RuntimeError) return false;
    throw error;
  } finally {
    await runCommand(["umount", "-l", join(dir, "shown", "0")]);
    await rm(dir, { recursive: true, force: true });
  }
}
