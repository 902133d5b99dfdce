import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { freePorts } from "../base/os/free-ports.ts";
import { createAuthority, issueCertificate } from "../base/os/pki.ts";
import { ask } from "./ask.ts";
import { until } from "./until.ts";
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
  /** Who signed the certificate that clients are shown; absent: they do without TLS. */
  readonly authorityPem: string | undefined;
  /** CPU seconds used so far by members, all unless some are named by their places. */
  cpuSeconds(members?: readonly number[]): number;
  /** Of the member that has most. */
  residentMb(members?: readonly number[]): number;
  /** The largest memory of a member is counted from now on. */
  resetPeak(): void;
  peakMb(members?: readonly number[]): number;
  /** Ends members at once, which leave what they have on disk. */
  kill(members: readonly number[]): Promise<void>;
  /** Members stand still until they are sent SIGCONT: their connections stay, and nobody answers. */
  signal(members: readonly number[], signal: "SIGSTOP" | "SIGCONT"): void;
  /** Starts members anew that were killed. */
  start(members: readonly number[]): void;
  /** Starts a member that was killed with nothing on its disk, as one that was taken out and added again. */
  startEmpty(member: number): void;
  readonly peerUrls: readonly string[];
  /** Ends the members at once, or lets them end what they do. */
  stop(signal?: "SIGKILL" | "SIGTERM"): Promise<void>;
}

/** Large values, again and again, are more than etcd's 2 GiB. */
const quotaBytes = 8 * 2 ** 30;

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

export interface SideOptions {
  readonly members: number;
  /** Clients speak TLS; members among each other do not. */
  readonly tls: boolean;
}

export async function startSide(program: Program, options: SideOptions): Promise<Side> {
  const folder = mkdtempSync(join(tmpdir(), "pintle-bench-"));
  const ports = await freePorts(options.members * 2);
  const tls = options.tls ? await writeCertificate(folder) : undefined;
  const side = sideOf(program, folder, { ports, tls });
  try {
    side.start(side.endpoints.map((_, i) => i));
    await Promise.all(side.endpoints.map((_, i) => untilHealthy(side, i, 30_000)));
  } catch (error) {
    await side.stop();
    throw error;
  }
  return side;
}

interface Tls {
  readonly authorityPem: string;
  readonly flags: readonly string[];
}
interface Place {
  readonly ports: readonly number[];
  readonly tls: Tls | undefined;
}

async function writeCertificate(folder: string): Promise<Tls> {
  const authority = await createAuthority({ name: "bench authority" });
  const wanted = { commonName: "store", addresses: ["127.0.0.1"], usage: "server" } as const;
  const { certificatePem, privateKeyPem } = await issueCertificate(authority, wanted);
  const [certificate, key] = [join(folder, "server.crt"), join(folder, "server.key")];
  writeFileSync(certificate, certificatePem);
  writeFileSync(key, privateKeyPem, { mode: 0o600 });
  return {
    authorityPem: authority.certificatePem,
    flags: [`--cert-file=${certificate}`, `--key-file=${key}`],
  };
}

const clientUrl = ({ ports, tls }: Place, i: number) =>
  `${tls === undefined ? "http" : "https"}://127.0.0.1:${ports[i * 2]}`;
const peerUrl = (ports: readonly number[], i: number) => `http://127.0.0.1:${ports[i * 2 + 1]}`;

const dataDir = (folder: string, i: number) => join(folder, `m${i}`);

function memberFlags(folder: string, place: Place, i: number): string[] {
  const { ports, tls } = place;
  const cluster = Array.from({ length: ports.length / 2 }, (_, j) => `m${j}=${peerUrl(ports, j)}`).join(",");
  return [
    `--name=m${i}`,
    `--data-dir=${dataDir(folder, i)}`,
    `--listen-client-urls=${clientUrl(place, i)}`,
    `--advertise-client-urls=${clientUrl(place, i)}`,
    `--listen-peer-urls=${peerUrl(ports, i)}`,
    `--initial-advertise-peer-urls=${peerUrl(ports, i)}`,
    `--initial-cluster=${cluster}`,
    `--quota-backend-bytes=${quotaBytes}`,
    ...(tls?.flags ?? []),
  ];
}

function spawnMember(
  program: Program,
  folder: string,
  place: Place,
  i: number,
  more: readonly string[] = [],
): ChildProcess {
  const log = openSync(join(folder, `m${i}.log`), "a");
  const [command = "", ...args] = [...program.command, ...memberFlags(folder, place, i), ...more];
  const child = spawn(command, args, { stdio: ["ignore", log, log] });
  closeSync(log);
  return child;
}

async function end(child: ChildProcess, signal: "SIGKILL" | "SIGTERM"): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill(signal);
  await once(child, "exit");
}

function sideOf(program: Program, folder: string, place: Place): Side {
  const processes: ChildProcess[] = [];
  const pids = (members: readonly number[] = [...processes.keys()]) => members.map((i) => processes[i]?.pid);
  return {
    name: program.name,
    endpoints: Array.from({ length: place.ports.length / 2 }, (_, i) => clientUrl(place, i)),
    peerUrls: Array.from({ length: place.ports.length / 2 }, (_, i) => peerUrl(place.ports, i)),
    authorityPem: place.tls?.authorityPem,
    cpuSeconds: (members) => pids(members).reduce<number>((sum, pid) => sum + usageOf(pid).cpuSeconds, 0),
    residentMb: (members) => Math.max(...pids(members).map((pid) => usageOf(pid).residentMb)),
    resetPeak: () => pids().forEach(resetPeak),
    peakMb: (members) => Math.max(...pids(members).map(peakMbSince)),
    async kill(members) {
      await Promise.all(members.map((i) => end(processes[i] as ChildProcess, "SIGKILL")));
    },
    signal(members, signal) {
      for (const i of members) processes[i]?.kill(signal);
    },
    start(members) {
      for (const i of members) processes[i] = spawnMember(program, folder, place, i);
    },
    startEmpty(member) {
      rmSync(dataDir(folder, member), { recursive: true, force: true });
      processes[member] = spawnMember(program, folder, place, member, ["--initial-cluster-state=existing"]);
    },
    async stop(signal = "SIGKILL") {
      for (const child of processes) await end(child, signal);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Waits until a member knows a leader and has read by quorum, as its /health says. */
export async function untilHealthy(side: Side, member: number, withinMs: number): Promise<void> {
  const { name, endpoints, authorityPem } = side;
  const url = `${endpoints[member]}/health`;
  const check = async () => {
    const { status } = await ask(url, { authorityPem, timeoutMs: 1000 });
    if (status !== 200) throw new Error(`${name} answers ${url} with status ${status}`);
  };
  await until(check, { everyMs: 20, withinMs });
}
