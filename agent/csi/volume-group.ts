import { describeError } from "../../base/os/log.ts";
import type { Pod } from "../../client/types.ts";
import { runCommand } from "../runtime/supervised/run-command.ts";
import { shimFile } from "../runtime/supervised/start-shim.ts";
import { ConfigError } from "../sync/environment.ts";

/** However many files there are. */
const groupMs = 30 * 60_000;
const lookMs = 5_000;

export type GroupChange = "Always" | "OnRootMismatch";

export const groupChangeOf = ({ spec }: Pod): GroupChange =>
  spec.securityContext?.fsGroupChangePolicy === "OnRootMismatch" ? "OnRootMismatch" : "Always";

/** Gives a volume and all in it to a group, as kubelets do. In a process of its own, that is killed where the volume does not
 *  answer. */
export async function giveVolumeToGroup(
  path: string,
  {
    group,
    change,
    signal,
  }: { readonly group: number; readonly change: GroupChange; readonly signal: AbortSignal },
): Promise<void> {
  if (process.getuid?.() !== 0) return; // nothing can be given away
  const program = shimFile("group.pl");
  if (program === undefined) throw new ConfigError("agent/runtime/shim/group.pl is missing");
  const command = ["perl", program, path, String(group), change];
  const failed = (why: string) => new ConfigError(`applyFSGroup failed for ${path}: ${why}`);
  const { code, stderr } = await runCommand(command, { timeoutMs: groupMs, signal }).catch(
    (error: unknown) => {
      signal.throwIfAborted();
      throw failed(describeError(error));
    },
  );
  if (code !== 0) throw failed(stderr.trim().slice(0, 1024));
}

/** Whether what is mounted there answers at all: it is asked by another process, so that a driver that hangs holds none of this
 *  one's threads. Rejects with ConfigError. */
export async function mustAnswer(path: string, signal: AbortSignal): Promise<void> {
  await runCommand(["stat", "-L", "--", path], { timeoutMs: lookMs, signal }).catch((error: unknown) => {
    signal.throwIfAborted();
    throw new ConfigError(`the volume at ${path} does not answer: ${describeError(error)}`);
  });
}
