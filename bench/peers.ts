import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { freePorts } from "../base/os/free-ports.ts";
import { peakMbSince, resetPeak, usageOf } from "./usage.ts";

const run = promisify(execFile);

/** A program that serves etcd's API. */
export interface Program {
  /** With its version, as a report says it. */
  readonly name: string;
  readonly command: readonly string[];
}

/** One side of a comparison: a store cluster of processes on loopback. */
export interface Side {
  readonly name: string;
  readonly endpoints: readonly string[];
  /** CPU seconds used so far, over all members. */
  cpuSeconds(): number;
  /** The largest memory of a member is counted from now on. */
  resetPeak(): void;
  peakMb(): number;
  /** Ends the members at once, or lets them end what they do. */
  stop(signal?: "SIGKILL" | "SIGTERM"): Promise<void>;
}

const ours = fileURLToPath(new URL("../bin/pintle", import.meta.url));
/** As the first line of bin/pintle has it. */
const youngGenerationFlag = "--max-semi-space-size=32";

/** @param profiles Where each member writes a CPU profile as it ends; absent: none does. */
export function pintleProgram(options: { readonly profiles?: string } = {}): Program {
  const profiled = options.profiles === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${options.profiles}`];
  return { name: "Pintle", command: [process.execPath, youngGenerationFlag, ...profiled, ours, "store"] };
}

export async function etcdProgram(path: string): Promise<Program> {
  const { stdout } = await run(path, ["--version"]);
  const version = /^etcd Version: (\S+)/m.exec(stdout)?.[1];
  if (version === undefined) throw new Error(`${path} says no version: ${stdout}`);
  return { name: `etcd ${version}`, command: [path, "--log-level=error"] };
}

export async function startSide(program: Program, options: { readonly members: number }): Promise<Side> {
  const folder = mkdtempSync(join(tmpdir(), "pintle-bench-"));
  const ports = await freePorts(options.members * 2);
  const processes = Array.from({ length: options.members }, (_, i) => {
    const log = openSync(join(folder, `m${i}.log`), "a");
    const [command = "", ...args] = [...program.command, ...memberFlags(folder, ports, i)];
    return spawn(command, args, { stdio: ["ignore", log, log] });
  });
  const side = sideOf(program, folder, { processes, ports });
  try {
    await Promise.all(side.endpoints.map((url) => untilHealthy(url, program.name)));
  } catch (error) {
    await side.stop();
    throw error;
  }
  return side;
}

const clientUrl = (ports: readonly number[], i: number) => `http://127.0.0.1:${ports[i * 2]}`;
const peerUrl = (ports: readonly number[], i: number) => `http://127.0.0.1:${ports[i * 2 + 1]}`;

function memberFlags(folder: string, ports: readonly number[], i: number): string[] {
  const cluster = Array.from({ length: ports.length / 2 }, (_, j) => `m${j}=${peerUrl(ports, j)}`).join(",");
  return [
    `--name=m${i}`,
    `--data-dir=${join(folder, `m${i}`)}`,
    `--listen-client-urls=${clientUrl(ports, i)}`,
    `--advertise-client-urls=${clientUrl(ports, i)}`,
    `--listen-peer-urls=${peerUrl(ports, i)}`,
    `--initial-advertise-peer-urls=${peerUrl(ports, i)}`,
    `--initial-cluster=${cluster}`,
  ];
}

function sideOf(
  { name }: Program,
  folder: string,
  { processes, ports }: { readonly processes: readonly ChildProcess[]; readonly ports: readonly number[] },
): Side {
  return {
    name,
    endpoints: processes.map((_, i) => clientUrl(ports, i)),
    cpuSeconds: () => processes.reduce((sum, { pid }) => sum + usageOf(pid).cpuSeconds, 0),
    resetPeak: () => {
      for (const { pid } of processes) resetPeak(pid);
    },
    peakMb: () => Math.max(...processes.map(({ pid }) => peakMbSince(pid))),
    async stop(signal = "SIGKILL") {
      for (const child of processes) {
        if (child.exitCode !== null || child.signalCode !== null) continue;
        child.kill(signal);
        await once(child, "exit");
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
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
