import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePorts } from "../base/os/free-ports.ts";
import { usageOf } from "./usage.ts";

/** One side of a comparison: a store cluster of processes on loopback. */
export interface Side {
  readonly name: string;
  readonly endpoints: readonly string[];
  /** CPU seconds used so far, and memory now, over all members. */
  usage(): { readonly cpuSeconds: number; readonly residentMb: number };
  stop(): Promise<void>;
}

export interface SideOptions {
  readonly name: "pintle" | "etcd";
  readonly members: number;
}

export async function startSide(options: SideOptions): Promise<Side> {
  const folder = mkdtempSync(join(tmpdir(), `pintle-bench-${options.name}-`));
  const ports = await freePorts(options.members * 2);
  const clientUrl = (i: number) => `http://127.0.0.1:${ports[i * 2]}`;
  const peerUrl = (i: number) => `http://127.0.0.1:${ports[i * 2 + 1]}`;
  const cluster = Array.from({ length: options.members }, (_, i) => `m${i}=${peerUrl(i)}`).join(",");
  const program =
    options.name === "etcd"
      ? ["etcd"]
      : [process.execPath, fileURLToPath(new URL("../bin/pintle", import.meta.url)), "store"];
  const processes: ChildProcess[] = [];
  for (let i = 0; i < options.members; i++) {
    const [command = "", ...args] = program;
    const log = openSync(join(folder, `m${i}.log`), "a");
    processes.push(
      spawn(
        command,
        [
          ...args,
          `--name=m${i}`,
          `--data-dir=${join(folder, `m${i}`)}`,
          `--listen-client-urls=${clientUrl(i)}`,
          `--advertise-client-urls=${clientUrl(i)}`,
          `--listen-peer-urls=${peerUrl(i)}`,
          `--initial-advertise-peer-urls=${peerUrl(i)}`,
          `--initial-cluster=${cluster}`,
        ],
        { stdio: ["ignore", log, log] },
      ),
    );
  }
  const side: Side = {
    name: options.name,
    endpoints: Array.from({ length: options.members }, (_, i) => clientUrl(i)),
    usage: () => {
      let cpuSeconds = 0;
      let residentMb = 0;
      for (const { pid } of processes) {
        const used = usageOf(pid);
        cpuSeconds += used.cpuSeconds;
        residentMb += used.residentMb;
      }
      return { cpuSeconds, residentMb };
    },
    async stop() {
      for (const child of processes) {
        if (child.exitCode !== null || child.signalCode !== null) continue;
        child.kill("SIGKILL");
        await once(child, "exit");
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
  try {
    await Promise.all(side.endpoints.map((url) => untilHealthy(url, options.name)));
  } catch (error) {
    await side.stop();
    throw error;
  }
  return side;
}

async function untilHealthy(url: string, name: string): Promise<void> {
  const deadlineMs = performance.now() + 30_000;
  let last = "";
  while (performance.now() < deadlineMs) {
    try {
      const answer = await fetch(`${url}/health`, { signal: AbortSignal.timeout(1000) });
      if (answer.ok) return;
      last = `status ${answer.status}`;
    } catch (error) {
      last = error instanceof Error ? error.message : String(error);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${name} at ${url} is not healthy after 30 s: ${last}`);
}
