import { constants } from "node:fs";
import { access, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { codeOf } from "./machine.ts";

/** Why this node cannot run containers now; undefined when it can. A few system calls: cheap enough for every look. */
export async function troubleOf(
  rootDir: string,
  programs: readonly string[],
  runtimeTrouble: () => Promise<string | undefined> = async () => undefined,
): Promise<string | undefined> {
  for (const program of programs) {
    const code = await codeOf(access(program, constants.X_OK));
    if (code !== undefined) return `container runtime is down: ${program}: ${code}`;
  }
  const ofRuntime = await runtimeTrouble();
  if (ofRuntime !== undefined) return ofRuntime;
  const code = await codeOf(writeFile(join(rootDir, ".writable"), "yes\n", { mode: 0o600 }));
  return code === undefined ? undefined : `cannot write below ${rootDir}: ${code}`;
}
