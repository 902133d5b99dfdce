import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { UsageError } from "../../base/os/flags.ts";
import { ifPresent } from "../../base/os/if-present.ts";
import type { Log } from "../../base/os/log.ts";
import { type CpuTopology, readCpuTopology } from "../cpus/cpu-topology.ts";
import { numaPlaces, type TopologyPolicy, topologyLimits } from "../cpus/topology-hints.ts";
import type { Reservation } from "../reserved.ts";
import type { Machine } from "../status/machine.ts";
import { binaryText } from "./huge-pages.ts";
import { readCheckpoint } from "./memory-checkpoint.ts";
import type { MemoryRules } from "./memory-flags.ts";
import { MemoryManager, otherPolicyText, stale } from "./memory-manager.ts";
import { type MemoryNode, readMemoryNodes } from "./memory-nodes.ts";
import type { ReservedMemory } from "./memory-state.ts";

interface MemoryConfig {
  readonly memory: MemoryRules;
  readonly rootDir: string;
  readonly cpus: { readonly topologyPolicy: TopologyPolicy };
}

interface MemoryInput {
  /** All that is not for pods, what is left where they are evicted among it. */
  readonly reserved: Pick<Reservation, "memoryBytes">;
  readonly machine: Pick<Machine, "memoryBytes" | "hugePages">;
  /** Containers are plain processes, which nothing keeps to memory. */
  readonly isProcesses: boolean;
  readonly log: Log;
}

/** What gives containers memory of their own; undefined where all share all. Throws UsageError where the machine or what an earlier
 *  agent left does not allow what is asked for. */
export async function openMemory(
  { memory: rules, rootDir, cpus }: MemoryConfig,
  input: MemoryInput,
  topology?: CpuTopology,
): Promise<MemoryManager | undefined> {
  const file = join(rootDir, "memory_manager_state");
  if (!rules.isStatic) {
    const found = readCheckpoint((await ifPresent(readFile(file, "utf8"))) ?? "");
    if (found !== undefined && found.policy !== "None")
      throw stale(file, otherPolicyText("None", found.policy));
    return undefined;
  }
  if (input.isProcesses) throw usage("Static needs containers, and pods are plain processes here");
  const places = numaPlaces(topology ?? (await readCpuTopology()));
  if (places.size > topologyLimits.numaNodesMost)
    throw usage(`unsupported on machines with more than ${topologyLimits.numaNodesMost} NUMA Nodes`);
  const nodes = await readMemoryNodes(new Set(places.keys()), input.machine);
  checkReservedMemory(rules.reserved, nodes, input.reserved.memoryBytes);
  const isAligned = cpus.topologyPolicy !== "none";
  return MemoryManager.open({ file, nodes, reserved: rules.reserved, places, isAligned }, input.log);
}

/** Throws UsageError, in the kubelet's words, where that is not what is kept from pods in all. */
export function checkReservedMemory(
  reserved: ReservedMemory,
  nodes: readonly MemoryNode[],
  keptBytes: number,
): void {
  const totals = new Map([["memory", 0]]);
  for (const [numa, types] of reserved) {
    if (!nodes.some((one) => one.numa === numa))
      throw usage(
        `the reserved memory configuration references a NUMA node ${numa} that does not exist on this machine`,
      );
    for (const [type, bytes] of types) totals.set(type, (totals.get(type) ?? 0) + bytes);
  }
  for (const [type, bytes] of totals) {
    const kept = type === "memory" ? keptBytes : 0;
    if (bytes !== kept)
      throw usage(
        `the total amount "${binaryText(bytes)}" of type ${JSON.stringify(type)} is not equal to the value "${binaryText(kept)}" determined by Node Allocatable feature`,
      );
  }
  if (totals.get("memory") === 0)
    throw usage("[memorymanager] you should specify the system reserved memory");
}

const usage = (problem: string): UsageError => new UsageError(`--memory-manager-policy: ${problem}`);
