import { lstat } from "node:fs/promises";
import { ifPresent } from "../base/os/if-present.ts";
import { mustRun, runCommand } from "./runtime/supervised/run-command.ts";

/** However many files there are. */
const within = { timeoutMs: 30 * 60_000 };

/** Removes a folder that containers wrote to, or that an image brought, with all that is in it: millions of files, deeper than any
 *  path may be long. A program beside the agent goes down by descriptors, which no link leads elsewhere, and leaves what is mounted
 *  in it. Nothing happens where nothing is there; rejects where something stays. */
export async function removeTree(path: string): Promise<void> {
  if ((await ifPresent(lstat(path))) === undefined) return;
  const remove = ["rm", "-rf", "--one-file-system", "--", path];
  if (process.getuid?.() !== 0) {
    if ((await runCommand(remove, within)).code === 0) return;
    // Folders that their owner may not read; root may read any.
    await runCommand(["chmod", "-R", "u+rwX", "--", path], within);
  }
  await mustRun(remove, within);
}
