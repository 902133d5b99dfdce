import { execFile, spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { delimiter, join } from "node:path";
import { giveInput } from "../../../base/os/give-input.ts";

export interface Kubectl {
  readonly program: string;
  /** The minor version: 32 of 1.32. */
  readonly minor: number;
}

export interface Outcome {
  readonly code: number;
  readonly output: string;
  readonly errors: string;
}

/** The kubectls that the machine has on its PATH, as `kubectl` or as `kubectl.1.27` and the like: one of each minor version, the
 *  newest first. */
export function kubectls(): readonly Kubectl[] {
  const found = new Map<number, Kubectl>();
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    if (folder === "" || !existsSync(folder)) continue;
    for (const name of readdirSync(folder).filter((one) => /^kubectl([.-]v?1\.\d+)?$/.test(one))) {
      const program = join(folder, name);
      const minor = minorOf(program);
      if (minor !== undefined && !found.has(minor)) found.set(minor, { program, minor });
    }
  }
  return [...found.values()].sort((a, b) => b.minor - a.minor);
}

function minorOf(program: string): number | undefined {
  const { status, stdout } = spawnSync(program, ["version", "--client", "--output=json"], {
    encoding: "utf8",
  });
  const minor = status === 0 ? /"minor": "(\d+)/.exec(stdout)?.[1] : undefined;
  return minor === undefined ? undefined : Number(minor);
}

/** @param home Where it keeps what it fetched. */
export function runKubectl(
  { program }: Kubectl,
  {
    kubeconfig,
    home,
    input,
  }: { readonly kubeconfig: string; readonly home: string; readonly input?: string },
  args: readonly string[],
): Promise<Outcome> {
  return new Promise((resolve) => {
    const env = { ...process.env, KUBECONFIG: kubeconfig, HOME: home };
    const child = execFile(
      program,
      [...args],
      { env, maxBuffer: 64 * 1024 * 1024 },
      (error, output, errors) => {
        const code = error === null ? 0 : typeof error.code === "number" ? error.code : -1;
        resolve({ code, output, errors });
      },
    );
    giveInput(child, input);
  });
}
