import { readFile } from "node:fs/promises";
import { UsageError } from "../../base/os/flags.ts";
import { describeError, type Log } from "../../base/os/log.ts";
import type { Pod } from "../../client/types.ts";
import type { Rejection } from "../admission/fits-node.ts";
import { DurableText } from "../durable-text.ts";
import { type CpuSet, cpuSetText, parseCpuSet, union, without } from "./cpu-set.ts";
import { type Assignments, type PlacedBeside, type PlacementRules, placePod } from "./place-pod.ts";

export interface CpuManagerConfig {
  /** What containers have for themselves outlives the agent there. */
  readonly file: string;
  readonly rules: PlacementRules;
  /** Containers without CPUs of their own do not run on the reserved ones. */
  readonly keepsReservedFree: boolean;
}

export interface CpuManagerDeps {
  readonly log: Log;
  /** Called when containers that share have other CPUs from then on. */
  readonly onShared: () => void;
}

export interface PlacedCpus {
  /** As the kernel lists them. */
  readonly cpus: string;
  readonly isExclusive: boolean;
}

/** Which CPUs containers run on: some have theirs, all others share the rest. */
export class CpuManager {
  readonly #config: CpuManagerConfig;
  readonly #deps: CpuManagerDeps;
  readonly #assigned: Map<string, ReadonlyMap<string, CpuSet>>;
  readonly #saved: DurableText;

  private constructor(config: CpuManagerConfig, assigned: Assignments, deps: CpuManagerDeps) {
    this.#config = config;
    this.#saved = new DurableText(config.file);
    this.#assigned = new Map(assigned);
    this.#deps = deps;
  }

  /** Goes on with what an earlier agent gave. Rejects with UsageError where the file speaks of CPUs that the machine does not
   *  have. */
  static async open(config: CpuManagerConfig, deps: CpuManagerDeps): Promise<CpuManager> {
    return new CpuManager(config, await readAssignments(config), deps);
  }

  /** Gives a pod's containers the CPUs that they are to have for themselves, near to what they have `beside`, and keeps that; or
   *  says why not. */
  async admit(pod: Pod, beside?: PlacedBeside): Promise<Rejection | undefined> {
    const placed = placePod(pod, this.#assigned, this.#config.rules, beside);
    if ("reason" in placed) return placed;
    if (placed.size === 0) return undefined;
    const { uid } = pod.metadata;
    const before = this.#assigned.get(uid);
    this.#assigned.set(uid, placed);
    const takeBack = (problem: string): Rejection => {
      if (before === undefined) this.#assigned.delete(uid);
      else this.#assigned.set(uid, before);
      return {
        reason: "UnexpectedAdmissionError",
        message: `Allocate failed due to ${problem}, which is unexpected`,
      };
    };
    if (this.shared.size === 0) return takeBack("no CPU being left to the containers that share them");
    try {
      await this.#changed();
      return undefined;
    } catch (error) {
      return takeBack(`could not save checkpoint: ${describeError(error)}`);
    }
  }

  /** What the pod had is free. Where that cannot be noted, the next agent finds the pod gone. */
  forget(podUid: string): void {
    if (!this.#assigned.delete(podUid)) return;
    this.#changed().catch((error: unknown) =>
      this.#deps.log.warn("cannot note freed CPUs", { podUid, error }),
    );
  }

  /** Pods that are no more, while no agent ran, have nothing. */
  keepOnly(podUids: ReadonlySet<string>): void {
    for (const uid of [...this.#assigned.keys()]) if (!podUids.has(uid)) this.forget(uid);
  }

  /** Resolves once nothing is being written any more. */
  async settled(): Promise<void> {
    await this.#saved.settled();
  }

  cpusOf(podUid: string, container: string): PlacedCpus {
    const own = this.#assigned.get(podUid)?.get(container);
    return { cpus: cpuSetText(own ?? this.shared), isExclusive: own !== undefined };
  }

  hasExclusive(podUid: string): boolean {
    return this.#assigned.has(podUid);
  }

  /** All that pods may run on. */
  get allocatable(): CpuSet {
    const { topology, reserved } = this.#config.rules;
    return without(new Set(topology.map(({ id }) => id)), reserved);
  }

  get shared(): CpuSet {
    const { rules, keepsReservedFree } = this.#config;
    const all = new Set(rules.topology.map(({ id }) => id));
    const own = union(...[...this.#assigned.values()].flatMap((containers) => [...containers.values()]));
    return without(without(all, own), keepsReservedFree ? rules.reserved : new Set());
  }

  #changed(): Promise<void> {
    const text = JSON.stringify({
      policyName: "static",
      defaultCpuSet: cpuSetText(this.shared),
      entries: Object.fromEntries(
        [...this.#assigned].map(([uid, containers]) => [
          uid,
          Object.fromEntries([...containers].map(([name, cpus]) => [name, cpuSetText(cpus)])),
        ]),
      ),
    });
    const saved = this.#saved.write(text);
    this.#deps.onShared();
    return saved;
  }
}

async function readAssignments({ file, rules }: CpuManagerConfig): Promise<Assignments> {
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  });
  if (text === undefined) return new Map();
  const entries = entriesOf(text);
  if (entries === undefined) throw stale(file, "is not whole");
  const all = new Set(rules.topology.map(({ id }) => id));
  const taken = new Map<number, string>();
  for (const [uid, containers] of entries)
    for (const cpu of union(...containers.values())) {
      if (!all.has(cpu)) throw stale(file, `gives a container CPU ${cpu}, which this machine does not have`);
      if (taken.has(cpu)) throw stale(file, `gives CPU ${cpu} to two pods`);
      taken.set(cpu, uid);
    }
  return entries;
}

const stale = (file: string, problem: string): UsageError =>
  new UsageError(`--cpu-manager-policy: ${file} ${problem}; drain the node and delete the file`);

/** Undefined for what was not written here. */
function entriesOf(text: string): Assignments | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  const entries = objectOf((parsed as { entries?: unknown } | null)?.entries);
  if (entries === undefined) return undefined;
  const assigned = new Map<string, ReadonlyMap<string, CpuSet>>();
  for (const [uid, containers] of Object.entries(entries)) {
    const own = new Map<string, CpuSet>();
    for (const [name, list] of Object.entries(objectOf(containers) ?? { "": undefined })) {
      const cpus = typeof list === "string" ? parseCpuSet(list) : undefined;
      if (cpus === undefined) return undefined;
      own.set(name, cpus);
    }
    assigned.set(uid, own);
  }
  return assigned;
}

const objectOf = (value: unknown): Record<string, unknown> | undefined =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
