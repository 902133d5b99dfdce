import { readFile } from "node:fs/promises";
import { UsageError } from "../../base/os/flags.ts";
import { ifPresent } from "../../base/os/if-present.ts";
import type { Log } from "../../base/os/log.ts";
import type { Pod } from "../../client/types.ts";
import { cpuSetText } from "../cpus/cpu-set.ts";
import { DurableText } from "../durable-text.ts";
import { checkpointText, readCheckpoint } from "./memory-checkpoint.ts";
import type { MemoryNode } from "./memory-nodes.ts";
import {
  emptyState,
  isSameState,
  type MemoryAssignments,
  type MemoryBlock,
  type MemoryState,
  MemoryStateError,
  type ReservedMemory,
  stateWith,
} from "./memory-state.ts";
import { hasOwnMemory, type MemorySource, PodMemory } from "./pod-memory.ts";

export const staticPolicy = "Static";

export interface MemoryManagerConfig {
  /** What containers have for themselves outlives the agent there. */
  readonly file: string;
  readonly nodes: readonly MemoryNode[];
  readonly reserved: ReservedMemory;
  /** The bit of each NUMA node. */
  readonly places: ReadonlyMap<number, number>;
  /** Whether somebody agrees on NUMA nodes with those who give CPUs and devices. */
  readonly isAligned: boolean;
}

/** Which NUMA nodes containers have their memory of. */
export class MemoryManager implements MemorySource {
  readonly places: ReadonlyMap<number, number>;
  readonly isAligned: boolean;
  readonly #log: Log;
  readonly #empty: MemoryState;
  readonly #assigned: Map<string, ReadonlyMap<string, readonly MemoryBlock[]>>;
  readonly #saved: DurableText;

  private constructor(config: MemoryManagerConfig, log: Log, assigned: MemoryAssignments) {
    this.places = config.places;
    this.isAligned = config.isAligned;
    this.#saved = new DurableText(config.file);
    this.#log = log;
    this.#empty = emptyState(config.nodes, config.reserved);
    this.#assigned = new Map(assigned);
  }

  /** Goes on with what an earlier agent gave. Rejects with UsageError, in the kubelet's words, where the machine or what is
   *  reserved is another now. */
  static async open(config: MemoryManagerConfig, log: Log): Promise<MemoryManager> {
    const manager = new MemoryManager(config, log, await readAssignments(config));
    await manager.save();
    return manager;
  }

  get state(): MemoryState {
    return stateWith(this.#empty, this.#assigned);
  }

  /** Undefined where the pod's containers have no memory for themselves. */
  begin(pod: Pod): PodMemory | undefined {
    return hasOwnMemory(pod) ? new PodMemory(pod, this) : undefined;
  }

  of(podUid: string): ReadonlyMap<string, readonly MemoryBlock[]> {
    return this.#assigned.get(podUid) ?? new Map();
  }

  set(podUid: string, blocks: ReadonlyMap<string, readonly MemoryBlock[]>): void {
    this.#assigned.set(podUid, blocks);
  }

  /** What a container has for itself. */
  blocksOf(podUid: string, container: string): readonly MemoryBlock[] {
    return this.of(podUid).get(container) ?? [];
  }

  /** The NUMA nodes of its memory, as the kernel lists them; undefined where they are any. */
  numasOf(podUid: string, container: string): string | undefined {
    const numas = this.blocksOf(podUid, container).flatMap((block) => block.numas);
    return numas.length === 0 ? undefined : cpuSetText(new Set(numas));
  }

  /** All that pods may have, a block for each node and type. */
  get allocatable(): readonly MemoryBlock[] {
    return [...this.#empty].flatMap(([numa, { memory }]) =>
      [...memory].flatMap(([type, { allocatable: bytes }]) =>
        bytes === 0 ? [] : [{ numas: [numa], type, bytes }],
      ),
    );
  }

  /** What the pod had is free. Where that cannot be noted, the next agent finds the pod gone. */
  forget(podUid: string): void {
    if (!this.#assigned.delete(podUid)) return;
    this.save().catch((error: unknown) => this.#log.warn("cannot note freed memory", { podUid, error }));
  }

  /** Pods that are no more, while no agent ran, have nothing. */
  keepOnly(podUids: ReadonlySet<string>): void {
    for (const uid of [...this.#assigned.keys()]) if (!podUids.has(uid)) this.forget(uid);
  }

  /** Puts what containers have on the disk. */
  save(): Promise<void> {
    const text = checkpointText({ policy: staticPolicy, state: this.state, assignments: this.#assigned });
    return this.#saved.write(text);
  }
}

async function readAssignments({ file, nodes, reserved }: MemoryManagerConfig): Promise<MemoryAssignments> {
  const text = await ifPresent(readFile(file, "utf8"));
  if (text === undefined) return new Map();
  const found = readCheckpoint(text);
  if (found === undefined) throw stale(file, "it is not whole");
  if (found.policy !== staticPolicy) throw stale(file, otherPolicyText(staticPolicy, found.policy));
  const empty = emptyState(nodes, reserved);
  try {
    if (isSameState(found.state, stateWith(empty, found.assignments))) return found.assignments;
  } catch (error) {
    if (error instanceof MemoryStateError) throw stale(file, error.message);
    throw error;
  }
  throw stale(file, "[memorymanager] the expected machine state is different from the real one");
}

/** In the kubelet's words. */
export const otherPolicyText = (policy: string, found: string): string =>
  `[memorymanager] configured policy ${JSON.stringify(policy)} differs from state checkpoint policy ${JSON.stringify(found)}`;

export const stale = (file: string, problem: string): UsageError =>
  new UsageError(
    `--memory-manager-policy: could not restore state from checkpoint: ${problem}, please drain this node and delete the memory manager checkpoint file ${JSON.stringify(file)} before restarting the agent`,
  );
