import { spawn } from "node:child_process";
import { closeSync, existsSync, openSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { RuntimeError } from "../seam.ts";

/** Found from the sources as from a bundle somewhere below the package's folder. */
export const shimPath = findAbove(dirname(fileURLToPath(import.meta.url)), "agent/runtime/shim/shim.pl");

function findAbove(folder: string, path: string): string | undefined {
  for (let at = folder; ; at = dirname(at)) {
    if (existsSync(join(at, path))) return join(at, path);
    if (at === dirname(at)) return undefined;
  }
}

/** Starts a shim in a session of its own and waits for its one line. True: the container runs (or ran); false: it could
 *  not be started. Rejects when there is no shim to be had. */
export function startShim(argv: readonly string[], dir: string): Promise<boolean> {
  if (shimPath === undefined)
    return Promise.reject(new RuntimeError("agent/runtime/shim/shim.pl is missing"));
  const program = shimPath;
  const errors = openSync(join(dir, "shim.log"), "a", 0o600);
  return new Promise((resolve, reject) => {
    const child = spawn("perl", [program, ...argv], {
      stdio: ["ignore", "pipe", errors],
      detached: true,
      cwd: "/",
      env: { PATH: process.env.PATH ?? "/usr/sbin:/usr/bin:/sbin:/bin" },
    });
    closeSync(errors);
    let said = "";
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      said += text;
      if (!said.includes("\n")) return;
      child.stdout?.destroy();
      child.unref();
      resolve(said.startsWith("started "));
    });
    child.once("error", (cause) => reject(new RuntimeError("cannot start perl for the shim", { cause })));
    child.once("exit", () => {
      if (!said.includes("\n")) reject(new RuntimeError(`the shim failed; see ${join(dir, "shim.log")}`));
    });
  });
}
