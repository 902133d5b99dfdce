import { spawn } from "node:child_process";
import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { join } from "node:path";
import { giveInput } from "../../../base/os/give-input.ts";
import type { PluginOutput } from "./plugin-answer.ts";

/** Starts plugins: no shell, and no environment but what is given. */

export const pluginLimits = {
  /** As the kubelet gives a container runtime to make a sandbox. */
  runMs: 120_000,
  outputBytesMost: 1024 * 1024,
} as const;

/** Where a plugin of this type is; undefined where it is in none of these folders. */
export async function findPlugin(type: string, binDirs: readonly string[]): Promise<string | undefined> {
  for (const dir of binDirs) {
    const path = join(dir, type);
    const isThere = await access(path, constants.X_OK).then(
      () => true,
      () => false, // another folder may have it
    );
    if (isThere) return path;
  }
  return undefined;
}

export interface PluginRun {
  readonly path: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly input: string;
  readonly timeoutMs: number;
}

/** Runs a plugin to its end. What it leaves running when its time is over, or when it says too much, is killed with it. */
export function runPlugin({ path, environment, input, timeoutMs }: PluginRun): Promise<PluginOutput> {
  return new Promise((resolve) => {
    let failure: string | undefined;
    let bytes = 0;
    const said = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
    const text = (chunks: readonly Buffer[]) => Buffer.concat(chunks).toString("utf8");
    // A group of its own, so that the plugins that it runs end with it.
    const child = spawn(path, [], { env: { ...environment }, stdio: "pipe", detached: true, cwd: "/" });
    const end = (why: string) => {
      failure ??= why;
      killGroup(child.pid);
    };
    const timer = setTimeout(() => end(`killed after ${timeoutMs / 1000} s`), timeoutMs);
    for (const name of ["stdout", "stderr"] as const)
      child[name].on("data", (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > pluginLimits.outputBytesMost)
          end(`killed, having said more than ${pluginLimits.outputBytesMost} bytes`);
        else said[name].push(chunk);
      });
    const finish = () => {
      clearTimeout(timer);
      resolve({ stdout: text(said.stdout), stderr: text(said.stderr), failure });
    };
    child.once("error", (error) => {
      failure ??= error.message;
      if (child.pid === undefined) finish();
    });
    // What it started may have its output open for longer than it lives, and is not waited for.
    child.once("exit", (code, signal) => {
      if (code !== 0) failure ??= code === null ? `killed by ${signal}` : `exit status ${code}`;
      const waited = setTimeout(() => {
        child.stdout.destroy();
        child.stderr.destroy();
      }, 1_000);
      child.once("close", () => clearTimeout(waited));
    });
    child.once("close", finish);
    giveInput(child, input);
  });
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}
