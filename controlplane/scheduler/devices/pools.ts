import { parseNanos } from "../../../base/quantity.ts";
import { deviceKey, poolKey } from "../../../client/rules/allocated-devices.ts";
import { matchesAnyTerm, type SelectableNode } from "../../../client/rules/node-selector.ts";
import type { ResourceSlice } from "../../../client/types.ts";
import type { Amounts, Device } from "./devices.ts";

/** The devices that a node can reach, by pool. Pure. */

export interface PoolDevice {
  readonly key: string;
  readonly driver: string;
  readonly pool: Pool;
  readonly slice: ResourceSlice;
  readonly device: Device;
}

export interface Pool {
  readonly driver: string;
  readonly name: string;
  /** Its driver is about to replace what it says of it: nothing is taken from it. */
  readonly isIncomplete: boolean;
  /** What its driver says of it contradicts itself: nothing is taken from it. */
  readonly isInvalid: boolean;
  /** Those on slices that concern the node, in the order in which they are tried. */
  readonly devices: readonly PoolDevice[];
  /** What its devices are parts of, by counter set. */
  readonly counterSets: ReadonlyMap<string, Amounts>;
  /** All its devices that are made of counters, wherever they are. */
  readonly consumers: readonly { readonly key: string; readonly device: Device }[];
}

export interface SliceSources {
  /** Slices of one node alone. */
  readonly ofNode: (node: string) => readonly ResourceSlice[];
  /** All others, and those with counters. */
  readonly shared: () => readonly ResourceSlice[];
  readonly ofPool: (driver: string, pool: string) => readonly ResourceSlice[];
}

interface Place {
  readonly nodeName?: string | undefined;
  readonly allNodes?: boolean | undefined;
  readonly nodeSelector?: { readonly nodeSelectorTerms: readonly object[] } | undefined;
}

/** Whether what is there can be used from the node. */
export function isReachable({ nodeName, allNodes, nodeSelector }: Place, node: SelectableNode): boolean {
  if (nodeName) return nodeName === node.name;
  if (allNodes === true) return true;
  return nodeSelector !== undefined && matchesAnyTerm(nodeSelector.nodeSelectorTerms, node);
}

const counterSetsOf = ({ spec }: ResourceSlice) => spec.sharedCounters ?? [];
const devicesOf = ({ spec }: ResourceSlice) => spec.devices ?? [];

function concerns(slice: ResourceSlice, node: SelectableNode): boolean {
  if (counterSetsOf(slice).length > 0) return true;
  if (slice.spec.perDeviceNodeSelection === true)
    return devicesOf(slice).some((device) => isReachable(device, node));
  return isReachable(slice.spec, node);
}

/** By driver and name, those with devices that must be waited for last: of several that would do, the first is taken. */
export function poolsFor(node: SelectableNode, sources: SliceSources): readonly Pool[] {
  const byPool = new Map<string, ResourceSlice[]>();
  for (const slice of [...sources.ofNode(node.name), ...sources.shared()]) {
    if (!concerns(slice, node)) continue;
    const { driver, pool } = slice.spec;
    const key = poolKey(driver, pool.name);
    const found = byPool.get(key);
    const generation = found?.[0]?.spec.pool.generation;
    if (found === undefined || generation === undefined || pool.generation > generation)
      byPool.set(key, [slice]);
    else if (pool.generation === generation) found.push(slice);
  }
  const pools = [...byPool.values()].flatMap((slices) => poolOf(slices, sources) ?? []).sort(byName);
  return [...pools.filter((pool) => !isConditional(pool)), ...pools.filter(isConditional)];
}

const isConditional = ({ devices }: Pool): boolean =>
  devices.some(({ device }) => (device.bindingConditions ?? []).length > 0);

function byName(a: Pool, b: Pool): number {
  if (a.driver !== b.driver) return a.driver < b.driver ? -1 : 1;
  return a.name < b.name ? -1 : 1;
}

/** Undefined: a newer generation of the pool has nothing for the node. */
function poolOf(slices: readonly ResourceSlice[], { ofPool }: SliceSources): Pool | undefined {
  const [first] = slices;
  if (first === undefined) return undefined;
  const { driver, pool } = first.spec;
  const all = ofPool(driver, pool.name);
  if (all.some(({ spec }) => spec.pool.generation > pool.generation)) return undefined;
  const whole = all.filter(({ spec }) => spec.pool.generation === pool.generation);
  const empty = { devices: [], counterSets: new Map(), consumers: [] };
  const made = { driver, name: pool.name, isIncomplete: false, isInvalid: false };
  if (whole.length !== pool.resourceSliceCount) return { ...made, ...empty, isIncomplete: true };
  const counterSets = new Map<string, Amounts>();
  const sets = slices.flatMap(counterSetsOf);
  for (const { name, counters } of sets) counterSets.set(name, amountsOf(counters));
  const keyOf = (device: Device) => deviceKey({ driver, pool: pool.name, device: device.name });
  const consumers = whole
    .flatMap(devicesOf)
    .filter(({ consumesCounters = [] }) => consumesCounters.length > 0)
    .map((device) => ({ key: keyOf(device), device }));
  const ordered = [...slices].sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  const names = ordered.flatMap(devicesOf).map(({ name }) => name);
  const isSound =
    new Set(names).size === names.length &&
    counterSets.size === sets.length &&
    consumers.every(({ device }) => consumesKnown(device, counterSets));
  if (!isSound) return { ...made, ...empty, isInvalid: true };
  const devices: PoolDevice[] = [];
  const result: Pool = { ...made, devices, counterSets, consumers };
  for (const slice of ordered)
    for (const device of devicesOf(slice))
      devices.push({ key: keyOf(device), driver, pool: result, slice, device });
  return result;
}

function consumesKnown({ consumesCounters = [] }: Device, sets: ReadonlyMap<string, Amounts>): boolean {
  return consumesCounters.every(({ counterSet, counters }) =>
    Object.keys(counters).every((name) => sets.get(counterSet)?.has(name)),
  );
}

export const amountsOf = (amounts: Readonly<Record<string, { readonly value: string }>>): Amounts =>
  new Map(Object.entries(amounts).map(([name, { value }]) => [name, parseNanos(value)]));
