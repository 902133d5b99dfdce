import { constants } from "node:fs";
import { access, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { codeOf } from "./machine.ts";

/** Why this node cannot run containers now; undefined when it can. A few system calls: cheap enough for every look. */
export async function troubleOf({
  rootDir,
  programs,
  runtimeTrouble,
  isFull = false,
}: {
  readonly rootDir: string;
  /** Absolute paths of what containers cannot be run without. */
  readonly programs: readonly string[];
  /** Asks the container runtime, where there is one. */
  readonly runtimeTrouble?: (() => Promise<string | undefined>) | undefined;
  /** The disk is known to be full: pods go for it, and the node tells of it elsewhere. */
  readonly isFull?: boolean;
}): Promise<string | undefined> {
  for (const program of programs) {
    const code = await codeOf(access(program, constants.X_OK));
    if (code !== undefined) return `container runtime is down: ${program}: ${code}`;
  }
  const ofRuntime = await runtimeTrouble?.();
  if (ofRuntime !== undefined) return ofRuntime;
  const code = await codeOf(writeFile(join(rootDir, ".writable"), "yes\n", { mode: 0o600 }));
  if (isFull && (code === "ENOSPC" || code === "EDQUOT")) return undefined;
  return code === undefined ? undefined : `cannot write below ${rootDir}: ${code}`;
}
