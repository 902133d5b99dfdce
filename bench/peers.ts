import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { freePorts } from "../base/os/free-ports.ts";
import { createAuthority, issueCertificate } from "../base/os/pki.ts";
import { ask } from "./ask.ts";
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
  /** CPU seconds used so far, over all members. */
  cpuSeconds(): number;
  /** The largest memory of a member is counted from now on. */
  resetPeak(): void;
  peakMb(): number;
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
  const processes = Array.from({ length: options.members }, (_, i) => {
    const log = openSync(join(folder, `m${i}.log`), "a");
    const [command = "", ...args] = [...program.command, ...memberFlags(folder, { ports, tls }, i)];
    return spawn(command, args, { stdio: ["ignore", log, log] });
  });
  const side = sideOf(program, folder, { processes, ports, tls });
  try {
    await Promise.all(side.endpoints.map((url) => untilHealthy(url, side)));
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

function memberFlags(folder: string, place: Place, i: number): string[] {
  const { ports, tls } = place;
  const cluster = Array.from({ length: ports.length / 2 }, (_, j) => `m${j}=${peerUrl(ports, j)}`).join(",");
  return [
    `--name=m${i}`,
    `--data-dir=${join(folder, `m${i}`)}`,
    `--listen-client-urls=${clientUrl(place, i)}`,
    `--advertise-client-urls=${clientUrl(place, i)}`,
    `--listen-peer-urls=${peerUrl(ports, i)}`,
    `--initial-advertise-peer-urls=${peerUrl(ports, i)}`,
    `--initial-cluster=${cluster}`,
    `--quota-backend-bytes=${quotaBytes}`,
    ...(tls?.flags ?? []),
  ];
}

function sideOf(
  { name }: Program,
  folder: string,
  { processes, ...place }: Place & { readonly processes: readonly ChildProcess[] },
): Side {
  return {
    name,
    endpoints: processes.map((_, i) => clientUrl(place, i)),
    authorityPem: place.tls?.authorityPem,
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

async function untilHealthy(url: string, { name, authorityPem }: Side): Promise<void> {
  const deadlineMs = performance.now() + 30_000;
  let last = "";
  while (performance.now() < deadlineMs) {
    try {
      const answer = await ask(`${url}/health`, { authorityPem, timeoutMs: 1000 });
      if (answer.status === 200) return;
      last = `status ${answer.status}`;
    } catch (error) {
      last = error instanceof Error ? error.message : String(error);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${name} at ${url} is not healthy after 30 s: ${last}`);
}
