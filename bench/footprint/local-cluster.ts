import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { usageOf } from "../usage.ts";
import { type Resident, residentOf } from "./resident.ts";

/** A cluster of `pintle up`, in a folder of its own. */
export interface LocalCluster {
  /** From the call to the line that says that it is ready. */
  readonly readySeconds: number;
  /** By the names of its parts; `up` is the process that was called. */
  resident(): ReadonlyMap<string, Resident>;
  cpuSeconds(): ReadonlyMap<string, number>;
  stop(): Promise<void>;
}

/** @param command What runs `pintle`. */
export async function startLocalCluster(
  command: readonly string[],
  flags: readonly string[],
): Promise<LocalCluster> {
  const folder = mkdtempSync(join(tmpdir(), "pintle-footprint-"));
  const [program = "", ...words] = [...command, "up", `--data-dir=${folder}`, "--api-port=0", ...flags];
  const startedMs = performance.now();
  const child = spawn(program, words, { stdio: ["ignore", "pipe", "inherit"] });
  const stop = async () => {
    await end(child);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await untilSaid(child, "Pintle is ready");
  } catch (error) {
    await stop();
    throw error;
  }
  const readySeconds = (performance.now() - startedMs) / 1000;
  const each = <T>(measure: (pid: number) => T) => {
    const state = JSON.parse(readFileSync(join(folder, "cluster.json"), "utf8")) as {
      readonly supervisorPid: number;
      readonly components: readonly { readonly name: string; readonly pid: number }[];
    };
    const parts = [{ name: "up", pid: state.supervisorPid }, ...state.components];
    return new Map(parts.map(({ name, pid }) => [name, measure(pid)]));
  };
  return {
    readySeconds,
    resident: () => each(residentOf),
    cpuSeconds: () => each((pid) => usageOf(pid).cpuSeconds),
    stop,
  };
}

async function untilSaid(child: ChildProcess, words: string): Promise<void> {
  let said = "";
  await new Promise<void>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`pintle up ended with ${code}: ${said}`)));
    child.stdout?.on("data", (bytes: Buffer) => {
      said += bytes.toString();
      if (said.includes(words)) resolve();
    });
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGINT");
  await ended;
}
