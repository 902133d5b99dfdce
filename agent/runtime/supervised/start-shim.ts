import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { packageFile } from "../../package-file.ts";
import type { LogRotation } from "../log-files.ts";
import { type ContainerConfig, RuntimeError } from "../seam.ts";

export const shimPath = shimFile("shim.pl");

/** A program of `agent/runtime/shim`; undefined when the package is not whole. */
export function shimFile(name: string): string | undefined {
  return packageFile(`agent/runtime/shim/${name}`);
}

export interface ShimStart {
  readonly argv: readonly string[];
  /** The container's folder: gets the shim's own complaints, `shim.log`. */
  readonly dir: string;
  readonly timeoutMs: number;
  readonly program?: string;
}

/** What the shim is told of a container, in one word. */
export function shimOptions(
  { stdin, tty }: Pick<ContainerConfig, "stdin" | "tty">,
  kind: string,
  { logBytesMost, filesMost }: LogRotation,
): string {
  const given = [`kind=${kind}`, `bytes=${logBytesMost}`, `files=${filesMost}`];
  return [...given, ...(stdin ? ["stdin"] : []), ...(tty ? ["tty"] : [])].join(",");
}

/** Starts a shim in a session of its own and waits for its one line. True: the container runs (or ran); false: it could
 *  not be started. Rejects when the shim ends, or the time does, without a word. */
export function startShim({ argv, dir, timeoutMs, program = shimPath }: ShimStart): Promise<boolean> {
  if (program === undefined) return Promise.reject(new RuntimeError("agent/runtime/shim/shim.pl is missing"));
  const errors = openSync(join(dir, "shim.log"), "a", 0o600);
  return new Promise((resolve, reject) => {
    const child = spawn("perl", [program, ...argv], {
      stdio: ["ignore", "pipe", errors],
      detached: true,
      cwd: "/",
      env: { PATH: process.env.PATH ?? "/usr/sbin:/usr/bin:/sbin:/bin" },
    });
    closeSync(errors);
    const timer = setTimeout(() => {
      if (child.pid !== undefined) killGroup(child.pid);
      fail(`the start of the container took longer than ${timeoutMs / 1000} s`);
    }, timeoutMs);
    const finish = () => {
      clearTimeout(timer);
      child.stdout?.destroy();
      child.unref();
    };
    const fail = (what: string) => {
      finish();
      readFile(join(dir, "shim.log"), "utf8").then(
        (log) => reject(new RuntimeError(log.trim() === "" ? what : `${what}: ${log.trim().slice(-1000)}`)),
        (cause) => reject(new RuntimeError(what, { cause })),
      );
    };
    let said = "";
    // The end of its output, not its exit: only then everything that it said has been read.
    child.stdout
      ?.setEncoding("utf8")
      .on("data", (text: string) => {
        said += text;
        if (!said.includes("\n")) return;
        finish();
        resolve(said.startsWith("started "));
      })
      .once("end", () => {
        if (!said.includes("\n")) fail("the shim ended without a word");
      });
    child.once("error", (cause) => {
      finish();
      reject(new RuntimeError("cannot start perl for the shim", { cause }));
    });
  });
}

/** The shim and what it started until now: nothing of a start that was given up goes on. */
function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}
