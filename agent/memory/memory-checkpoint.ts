import type { MemoryAssignments, MemoryBlock, MemoryState, MemoryTable, NumaState } from "./memory-state.ts";

export interface MemoryCheckpoint {
  readonly policy: string;
  readonly state: MemoryState;
  readonly assignments: MemoryAssignments;
}

/** As kubelets write it, but for their checksum. Pure. */
export function checkpointText({ policy, state, assignments }: MemoryCheckpoint): string {
  const machineState = Object.fromEntries(
    [...state].map(([numa, { assignments: numberOfAssignments, memory, cells }]) => [
      numa,
      { numberOfAssignments, memoryMap: Object.fromEntries(memory), cells },
    ]),
  );
  const entries = Object.fromEntries(
    [...assignments].map(([podUid, containers]) => [
      podUid,
      Object.fromEntries(
        [...containers].map(([name, blocks]) => [
          name,
          blocks.map(({ numas, type, bytes }) => ({ numaAffinity: numas, type, size: bytes })),
        ]),
      ),
    ]),
  );
  return JSON.stringify({ policyName: policy, machineState, entries });
}

/** Undefined for what was not written whole. Pure. */
export function readCheckpoint(text: string): MemoryCheckpoint | undefined {
  try {
    const { policyName, machineState, entries } = objectOf(JSON.parse(text));
    const state = new Map<number, NumaState>();
    for (const [numa, value] of Object.entries(objectOf(machineState))) {
      const { numberOfAssignments, memoryMap, cells } = objectOf(value);
      const memory = new Map<string, MemoryTable>();
      for (const [type, table] of Object.entries(objectOf(memoryMap))) memory.set(type, tableOf(table));
      const own = { assignments: countOf(numberOfAssignments), cells: numasOf(cells), memory };
      state.set(countOf(Number(numa)), own);
    }
    const assignments = new Map<string, ReadonlyMap<string, readonly MemoryBlock[]>>();
    for (const [podUid, containers] of Object.entries(objectOf(entries ?? {}))) {
      const own = new Map<string, readonly MemoryBlock[]>();
      for (const [name, blocks] of Object.entries(objectOf(containers)))
        own.set(name, listOf(blocks).map(blockOf));
      assignments.set(podUid, own);
    }
    return { policy: textOf(policyName), state, assignments };
  } catch (error) {
    if (error instanceof NotWhole || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

class NotWhole extends Error {
  override readonly name = "NotWhole";
}

function blockOf(value: unknown): MemoryBlock {
  const { numaAffinity, type, size } = objectOf(value);
  return { numas: numasOf(numaAffinity), type: textOf(type), bytes: countOf(size) };
}

function tableOf(value: unknown): MemoryTable {
  const { total, systemReserved, allocatable, reserved, free } = objectOf(value);
  return {
    total: countOf(total),
    systemReserved: countOf(systemReserved),
    allocatable: countOf(allocatable),
    reserved: countOf(reserved),
    free: countOf(free),
  };
}

const numasOf = (value: unknown): readonly number[] => listOf(value).map(countOf);

function objectOf(value: unknown): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new NotWhole();
  return value as Record<string, unknown>;
}

function listOf(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new NotWhole();
  return value;
}

function textOf(value: unknown): string {
  if (typeof value !== "string") throw new NotWhole();
  return value;
}

function countOf(value: unknown): number {
  if (!Number.isSafeInteger(value) || Number(value) < 0) throw new NotWhole();
  return Number(value);
}
