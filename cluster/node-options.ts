import { nothingReserved } from "../agent/reserved.ts";
import { simulatedInput } from "../agent/simulate/simulate.ts";
import type { SimulatedMachine } from "../agent/simulate/simulated-nodes.ts";
import type { Machine } from "../agent/status/machine.ts";
import { isQuantity, parseQuantity } from "../base/quantity.ts";
import { shown } from "../base/shown.ts";
import { dns1123Subdomain, qualifiedName } from "../client/rules/names.ts";
import type { Taint } from "../client/types.ts";
import type { FieldError } from "../controlplane/apiserver/registry/kind.ts";
import { validateLabels } from "../controlplane/apiserver/resources/labels.ts";
import { validateTaints } from "../controlplane/apiserver/resources/taint-validation.ts";
import { nodeShapeProblems } from "./check-nodes.ts";

/** A node of a cluster. */
export interface NodeOptions {
  /** `node-1` and so on unless said. */
  readonly name?: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** As kubectl writes them, `"gpu=true:NoSchedule"`, or as objects. */
  readonly taints?: readonly (string | Taint)[];
  /** The label `topology.kubernetes.io/zone`. */
  readonly zone?: string;
  /** The label `topology.kubernetes.io/region`. */
  readonly region?: string;
  /** What it has, by resource: `{ cpu: 4, memory: "16Gi", pods: 110, "nvidia.com/gpu": 2 }`. Unless said: 8 CPUs, `32Gi` of
   *  memory, `1Ti` of `ephemeral-storage`, 110 pods. */
  readonly capacity?: Readonly<Record<string, string | number>>;
  /** What of it pods may have; all of it unless said. */
  readonly allocatable?: Readonly<Record<string, string | number>>;
}

const usualCapacity = { cpu: "8", memory: "32Gi", "ephemeral-storage": "1Ti", pods: "110" };
const known: readonly string[] = ["name", "labels", "taints", "zone", "region", "capacity", "allocatable"];
const nodesMost = 10_000;

/** The options of every node that `nodes` stands for. Throws TypeError, one line for each thing that is wrong. */
export function nodeList(nodes: number | readonly NodeOptions[]): readonly NodeOptions[] {
  if (typeof nodes === "number") {
    if (!Number.isInteger(nodes) || nodes < 0 || nodes > nodesMost)
      throw new TypeError(
        `nodes: ${nodes} must be a whole number from 0 to ${nodesMost}, or a list of nodes`,
      );
    return Array.from({ length: nodes }, () => ({}));
  }
  if (!Array.isArray(nodes))
    throw new TypeError(`nodes: ${shown(nodes)} must be a whole number, or a list of nodes`);
  return nodes;
}

/** The machines that options describe, by name: whoever has none gets the next free `node-N`.
 *  @param at What the options are called in errors. */
export function machinesOf(
  nodes: readonly NodeOptions[],
  taken: ReadonlySet<string> = new Set(),
  at = (index: number) => `nodes[${index}]`,
): ReadonlyMap<string, SimulatedMachine> {
  const problems: string[] = [];
  for (let index = 0; index < nodes.length; index++)
    problems.push(...nodeShapeProblems(nodes[index], at(index)));
  if (problems.length > 0) throw new TypeError(problems.join("\n"));
  const machines = new Map<string, SimulatedMachine>();
  const named = new Set([...taken, ...nodes.flatMap(({ name }) => name ?? [])]);
  let next = 1;
  for (const [index, options] of nodes.entries()) {
    while (options.name === undefined && named.has(`node-${next}`)) next++;
    const name = options.name ?? `node-${next++}`;
    const tell = (field: string, value: unknown, rule: string) =>
      problems.push(`${at(index)}.${field}: ${shown(value)} ${rule}`);
    if (taken.has(name) || machines.has(name)) tell("name", name, "is taken by another node");
    machines.set(name, machineOf(name, options, tell));
  }
  if (problems.length > 0) throw new TypeError(problems.join("\n"));
  return machines;
}

type Tell = (field: string, value: unknown, rule: string) => void;

function machineOf(name: string, options: NodeOptions, tell: Tell): SimulatedMachine {
  for (const field of Object.keys(options))
    if (!known.includes(field))
      tell(field, options[field as keyof NodeOptions], `is none of ${known.join(", ")}`);
  for (const rule of dns1123Subdomain(name)) tell("name", name, rule);
  const { zone, region } = options;
  const inRegion = region === undefined ? {} : { "topology.kubernetes.io/region": region };
  const inZone = zone === undefined ? {} : { "topology.kubernetes.io/zone": zone };
  const labels = { ...inRegion, ...inZone, ...options.labels };
  const taints = (options.taints ?? []).map((one) => taintOf(one, tell));
  const all: readonly FieldError[] = [
    ...validateLabels(options.labels, "labels"),
    ...validateLabels(inZone, "zone"),
    ...validateLabels(inRegion, "region"),
    ...validateTaints(taints, "taints"),
  ];
  for (const { field, message } of all)
    tell(field, options[field.split(/[.[]/)[0] as keyof NodeOptions], message);
  const capacity = { ...usualCapacity, ...amountsOf(options.capacity, "capacity", tell) };
  const allocatable = { ...capacity, ...amountsOf(options.allocatable, "allocatable", tell) };
  for (const [resource, amount] of Object.entries(allocatable)) {
    const has = capacity[resource as keyof typeof capacity];
    if (has === undefined)
      tell(`allocatable.${resource}`, amount, "is more than its capacity, which is nothing");
    else if (parseQuantity(amount) > parseQuantity(has))
      tell(`allocatable.${resource}`, amount, `is more than its capacity, ${has}`);
  }
  const devices = { nodeAmounts: () => ({ capacity, allocatable }), isNew: false };
  const own = {
    name,
    ip: "127.0.0.1",
    maxPods: parseQuantity(capacity.pods),
    labels,
    taints,
    reserved: nothingReserved,
  };
  return { input: simulatedInput({ ...own, devices }), machine };
}

function amountsOf(
  amounts: NodeOptions["capacity"],
  field: string,
  tell: Tell,
): Readonly<Record<string, string>> {
  const texts: Record<string, string> = {};
  for (const [resource, amount] of Object.entries(amounts ?? {})) {
    const text = String(amount);
    for (const rule of qualifiedName(resource)) tell(`${field}.${resource}`, amount, rule);
    if (!isQuantity(text) || parseQuantity(text) < 0)
      tell(`${field}.${resource}`, amount, 'is no quantity such as 4, "500m" or "16Gi"');
    else if (!isDivisible(resource) && !Number.isInteger(parseQuantity(text)))
      tell(`${field}.${resource}`, amount, "is no whole number");
    else texts[resource] = text;
  }
  return texts;
}

/** All else is counted. */
const isDivisible = (resource: string) =>
  resource === "cpu" || resource === "memory" || resource === "ephemeral-storage";

function taintOf(taint: string | Taint, tell: Tell): Taint {
  if (typeof taint === "object") return taint;
  const [, key = "", value, effect = ""] = /^([^=:]+)(?:=([^:]*))?:(\w+)$/.exec(taint) ?? [];
  if (key === "") tell("taints", taint, 'is no taint such as "gpu=true:NoSchedule"');
  return { key: key || "unreadable", effect: effect || "NoSchedule", ...(value !== undefined && { value }) };
}

/** A machine that is nobody's, so that a run repeats on any. */
const machine: Machine = {
  cpus: 8,
  memoryBytes: 32 * 2 ** 30,
  storageBytes: 2 ** 40,
  hugePages: [],
  architecture: "amd64",
  machineId: "simulated",
  bootId: "simulated",
  kernel: "simulated",
  osImage: "simulated",
  hostname: "simulated",
};
