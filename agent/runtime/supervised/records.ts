import { readFileSync } from "node:fs";
import { readdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { makeFolder } from "../../../base/os/make-folder.ts";
import type { PodAddress, PodAttachment } from "../../network-seam.ts";
import type { ContainerConfig, SandboxConfig } from "../seam.ts";
import type { ProcessId } from "./process-birth.ts";

/** What stands in `<root>/sandboxes/<id>/sandbox.json`. */
export interface SandboxRecord {
  readonly id: string;
  readonly config: SandboxConfig;
  readonly createdAtMs: number;
  /** The machine's boot: nothing of an earlier one runs. */
  readonly bootId: string;
  /** The process that holds its namespaces; absent where there are none. */
  readonly pause?: ProcessId;
  readonly address?: PodAddress;
  readonly stopped?: true;
}

/** What its network is to know of it. */
export function attachmentOf({ id, config, pause }: SandboxRecord): PodAttachment {
  const { pod, hostPorts, dns, bandwidth } = config;
  const netnsPath = pause === undefined ? {} : { netnsPath: `/proc/${pause.pid}/ns/net` };
  return { ...pod, sandboxId: id, hostPorts, dns, ...(bandwidth && { bandwidth }), ...netnsPath };
}

/** Where its network is. */
export function networkOf({ config, pause, address }: SandboxRecord) {
  const { podIp = "", secondIp } = address ?? {};
  return {
    podIp,
    ...(secondIp !== undefined && { secondIp }),
    ...(pause !== undefined && !config.hostNetwork && { networkProcess: pause.pid }),
  };
}

/** What stands in `<root>/containers/<id>/container.json`. */
export interface ContainerRecord {
  readonly id: string;
  readonly sandboxId: string;
  readonly config: ContainerConfig;
  readonly createdAtMs: number;
  readonly bootId: string;
}

/** `DIR/started`, written by the shim. */
export interface StartedRecord {
  readonly startedAtMs: number;
  readonly process: ProcessId;
  readonly shim: ProcessId;
}

/** `DIR/exit`, written by the shim. */
export interface ExitRecord {
  readonly exitCode: number;
  readonly signal: number;
  readonly finishedAtMs: number;
}

export async function writeRecord(path: string, record: unknown): Promise<void> {
  await writeFile(`${path}.new`, JSON.stringify(record), { mode: 0o600 });
  await rename(`${path}.new`, path);
}

/** The records of all folders under `parent`; folders whose record was never finished are named in `broken`. */
export async function readRecords<T>(
  parent: string,
  file: string,
): Promise<{ records: T[]; broken: string[] }> {
  await makeFolder(parent, 0o711);
  const records: T[] = [];
  const broken: string[] = [];
  for (const name of await readdir(parent)) {
    const text = await readOptional(join(parent, name, file));
    if (text === undefined) broken.push(name);
    else records.push(JSON.parse(text) as T); // written by us, whole or not at all
  }
  return { records, broken };
}

export async function readOptional(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

export function parseStarted(text: string): StartedRecord {
  const [at = "", pid = "", born = "", shimPid = "", shimBorn = ""] = text.trim().split(" ");
  return {
    startedAtMs: Date.parse(at),
    process: { pid: Number(pid), born },
    shim: { pid: Number(shimPid), born: shimBorn },
  };
}

export function parseExit(text: string): ExitRecord {
  const [code = "", signal = "", at = ""] = text.trim().split(" ");
  return { exitCode: Number(code), signal: Number(signal), finishedAtMs: Date.parse(at) };
}

export function bootId(): string {
  return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
}
