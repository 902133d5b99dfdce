import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { ifPresent } from "../../base/os/if-present.ts";
import type { RuntimeContainer } from "../runtime/seam.ts";

export const messageLimits = { bytesMost: 4096, logBytesMost: 2048, logLinesMost: 80 } as const;

/** What a container left in its termination message file, or – by policy FallbackToLogsOnError, when it failed without a
 *  word – the end of its log. */
export async function terminationMessage(container: RuntimeContainer, podDir: string): Promise<string> {
  if (container.state.phase !== "exited") return "";
  const path = join(podDir, "termination", container.name, String(container.attempt));
  const text = await tail(path, messageLimits.bytesMost);
  const fallback =
    container.annotations.terminationMessagePolicy === "FallbackToLogsOnError" &&
    container.state.exitCode !== 0;
  if (text !== "" || !fallback) return text;
  const log = await tail(container.logPath, messageLimits.logBytesMost * 2);
  const lines = log
    .split("\n")
    .filter((line) => line !== "")
    .slice(-messageLimits.logLinesMost);
  return lines
    .map((line) => line.replace(/^\S+ \S+ [FP] ?/, ""))
    .join("\n")
    .slice(-messageLimits.logBytesMost);
}

async function tail(path: string, bytesMost: number): Promise<string> {
  // A pipe that took its place would keep the agent waiting; a link, show another's file.
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  const there = await ifPresent(open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)).catch(noLink);
  if (there === undefined) return "";
  try {
    const about = await there.stat();
    const size = about.isFile() ? about.size : 0;
    const from = Math.max(0, size - bytesMost);
    const { buffer, bytesRead } = await there.read(
      Buffer.alloc(Math.min(size, bytesMost)),
      0,
      Math.min(size, bytesMost),
      from,
    );
    return buffer.subarray(0, bytesRead).toString("utf8");
  } finally {
    await there.close();
  }
}

function noLink(error: unknown): undefined {
  if (error instanceof Error && "code" in error && error.code === "ELOOP") return undefined;
  throw error;
}
