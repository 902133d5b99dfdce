import { nothingReserved } from "../agent/reserved.ts";
import { simulatedInput } from "../agent/simulate/simulate.ts";
import type { SimulatedMachine } from "../agent/simulate/simulated-nodes.ts";
import type { Machine } from "../agent/status/machine.ts";
import { isQuantity, parseQuantity } from "../base/quantity.ts";
import { shown } from "../base/shown.ts";
import { dns1123Subdomain, qualifiedName } from "../client/rules/names.ts";
import { labelsForbiddenToNodes } from "../client/rules/node-labels.ts";
import type { Taint } from "../client/types.ts";
import type { FieldError } from "../controlplane/apiserver/registry/kind.ts";
import { validateLabels } from "../controlplane/apiserver/resources/labels.ts";
import { validateTaints } from "../controlplane/apiserver/resources/taint-validation.ts";
import { nodeShapeProblems } from "./check-nodes.ts";
import type { RealMachine } from "./real/real-machine.ts";

/** A node of a cluster. */
export interface NodeOptions {
  /** What runs its pods: nothing (`simulated`, unless said), this machine's processes, or containers in it, which need root and
   *  `crun` or `runc`. The real nodes of a cluster are all of one kind, and one is there from its start on. */
  readonly runtime?: "simulated" | "processes" | "containers";
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
   *  memory, `1Ti` of `ephemeral-storage`, 110 pods. Only of simulated ones: others have what the machine has. */
  readonly capacity?: Readonly<Record<string, string | number>>;
  /** What of it pods may have; all of it unless said. Likewise. */
  readonly allocatable?: Readonly<Record<string, string | number>>;
}

const usualCapacity = { cpu: "8", memory: "32Gi", "ephemeral-storage": "1Ti", pods: "110" };
const runtimes: readonly unknown[] = ["simulated", "processes", "containers"];
const known: readonly string[] = [
  "name",
  "runtime",
  "labels",
  "taints",
  "zone",
  "region",
  "capacity",
  "allocatable",
];
const nodesMost = 10_000;
/** It becomes part of names and paths that the kernel bounds. */
const nameMost = 63;

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

/** What a node is, by whether it is real. */
export type NodeMachine = SimulatedMachine | RealMachine;

export const isReal = (machine: NodeMachine): machine is RealMachine => "runtime" in machine;

/** The machines that options describe, by name: whoever has none gets the next free `node-N`.
 *  @param at What the options are called in errors. */
export function machinesOf(
  nodes: readonly NodeOptions[],
  taken: ReadonlySet<string> = new Set(),
  at = (index: number) => `nodes[${index}]`,
): ReadonlyMap<string, NodeMachine> {
  const problems: string[] = [];
  for (let index = 0; index < nodes.length; index++)
    problems.push(...nodeShapeProblems(nodes[index], at(index)));
  if (problems.length > 0) throw new TypeError(problems.join("\n"));
  const machines = new Map<string, NodeMachine>();
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

function machineOf(name: string, options: NodeOptions, tell: Tell): NodeMachine {
  for (const field of Object.keys(options))
    if (!known.includes(field))
      tell(field, options[field as keyof NodeOptions], `is none of ${known.join(", ")}`);
  for (const rule of dns1123Subdomain(name)) tell("name", name, rule);
  const { zone, region, runtime = "simulated" } = options;
  if (!runtimes.includes(runtime)) tell("runtime", runtime, `is none of ${runtimes.join(", ")}`);
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
  if (runtime !== "simulated") {
    checkReal(name, options, tell);
    return { name, runtime, labels, taints: taints.map(taintText) };
  }
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

/** What only simulated nodes can be is not for others, nor what no agent may say of its node. */
function checkReal(name: string, { labels = {}, capacity, allocatable, runtime }: NodeOptions, tell: Tell) {
  if (name.length > nameMost)
    tell("name", name, `is longer than the ${nameMost} characters of a real node's`);
  for (const [field, value] of Object.entries({ capacity, allocatable }))
    if (value !== undefined)
      tell(field, value, `is of simulated nodes: one of ${runtime} has what this machine has`);
  for (const key of labelsForbiddenToNodes(Object.keys(labels)))
    tell(
      `labels.${key}`,
      labels[key],
      "is a label that a real node must not set on itself; set it once it is there",
    );
}

const taintText = ({ key, value = "", effect }: Taint): string =>
  value === "" ? `${key}:${effect}` : `${key}=${value}:${effect}`;

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
