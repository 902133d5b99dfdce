import { hugePageBytes } from "./huge-pages.ts";
import type { MemoryNode } from "./memory-nodes.ts";

/** Some memory, of all of these NUMA nodes together, that a container has for itself. Sizes are bytes; nodes are in order. */
export interface MemoryBlock {
  readonly numas: readonly number[];
  /** `memory`, or a resource of huge pages. */
  readonly type: string;
  readonly bytes: number;
}

/** By pod and container. */
export type MemoryAssignments = ReadonlyMap<string, ReadonlyMap<string, readonly MemoryBlock[]>>;

/** Bytes that are not for pods, by NUMA node and type. */
export type ReservedMemory = ReadonlyMap<number, ReadonlyMap<string, number>>;

/** One type of memory at one NUMA node. Invariant: allocatable = reserved + free. */
export interface MemoryTable {
  readonly total: number;
  readonly systemReserved: number;
  readonly allocatable: number;
  /** That containers have. */
  readonly reserved: number;
  readonly free: number;
}

export interface NumaState {
  /** How many blocks lie here. */
  readonly assignments: number;
  /** The nodes that blocks here share; a node alone is its own group. */
  readonly cells: readonly number[];
  readonly memory: ReadonlyMap<string, MemoryTable>;
}

/** By NUMA node. */
export type MemoryState = ReadonlyMap<number, NumaState>;

/** What nobody has anything of. Huge pages are no other memory. Pure. */
export function emptyState(nodes: readonly MemoryNode[], reserved: ReservedMemory): MemoryState {
  return new Map(
    nodes.map(({ numa, memoryBytes, hugePages }) => {
      const pages = Object.entries(hugePageBytes(hugePages));
      const inPages = pages.reduce((sum, [, bytes]) => sum + bytes, 0);
      const memory = new Map<string, MemoryTable>();
      for (const [type, total, elsewhere] of [
        ...pages.map(([name, bytes]) => [name, bytes, 0] as const),
        ["memory", memoryBytes, inPages] as const,
      ]) {
        const systemReserved = reserved.get(numa)?.get(type) ?? 0;
        const allocatable = Math.max(0, total - systemReserved - elsewhere);
        memory.set(type, { total, systemReserved, allocatable, reserved: 0, free: allocatable });
      }
      return [numa, { assignments: 0, cells: [numa], memory }];
    }),
  );
}

/** Of an assignment that the machine cannot have. */
export class MemoryStateError extends Error {
  override readonly name = "MemoryStateError";
}

/** What is left beside these assignments. Throws MemoryStateError, in the kubelet's words, on one that is of another machine.
 *  Pure. */
export function stateWith(empty: MemoryState, assignments: MemoryAssignments): MemoryState {
  let state = empty;
  for (const [podUid, containers] of assignments)
    for (const [container, blocks] of containers)
      for (const block of blocks) {
        const problem = (what: string) =>
          new MemoryStateError(
            `[memorymanager] (pod: ${podUid}, container: ${container}) the memory assignment uses ${what} that does not exist`,
          );
        if (block.numas.some((numa) => !state.has(numa))) throw problem("the NUMA");
        if (block.numas.some((numa) => !state.get(numa)?.memory.has(block.type)))
          throw problem("memory resource");
        state = withBlock(state, block);
      }
  return state;
}

/** The nodes of a block are filled one after the other. Pure. */
export function withBlock(state: MemoryState, { numas, type, bytes }: MemoryBlock): MemoryState {
  const next = new Map(state);
  let left = bytes;
  for (const numa of numas) {
    const before = next.get(numa);
    const table = before?.memory.get(type);
    if (before === undefined || table === undefined) continue;
    const taken = Math.min(table.free, left);
    left -= taken;
    const memory = new Map(before.memory).set(type, {
      ...table,
      reserved: table.reserved + taken,
      free: table.free - taken,
    });
    next.set(numa, { assignments: before.assignments + 1, cells: numas, memory });
  }
  return next;
}

/** Sums over some nodes, of one type. Pure. */
export function totalOf(
  state: MemoryState,
  numas: readonly number[],
  type: string,
): { readonly allocatable: number; readonly free: number; readonly reserved: number } {
  const sum = { allocatable: 0, free: 0, reserved: 0 };
  for (const numa of numas) {
    const table = state.get(numa)?.memory.get(type);
    sum.allocatable += table?.allocatable ?? 0;
    sum.free += table?.free ?? 0;
    sum.reserved += table?.reserved ?? 0;
  }
  return sum;
}

export const isSameGroup = (left: readonly number[], right: readonly number[]): boolean =>
  left.length === right.length && left.every((numa) => right.includes(numa));

/** Whether both have the same; how a group's memory is spread over its nodes does not count. Pure. */
export function isSameState(left: MemoryState, right: MemoryState): boolean {
  if (left.size !== right.size) return false;
  for (const [numa, one] of left) {
    const other = right.get(numa);
    if (other === undefined || one.assignments !== other.assignments) return false;
    if (!isSameGroup(one.cells, other.cells) || one.memory.size !== other.memory.size) return false;
    for (const [type, table] of one.memory) {
      const beside = other.memory.get(type);
      if (beside === undefined) return false;
      for (const field of ["total", "systemReserved", "allocatable"] as const)
        if (table[field] !== beside[field]) return false;
      const [sum, second] = [totalOf(left, one.cells, type), totalOf(right, one.cells, type)];
      if (sum.free !== second.free || sum.reserved !== second.reserved) return false;
    }
  }
  return true;
}
