import { readFileSync } from "node:fs";
import { parseIpv4Range } from "../../base/ipv4.ts";
import { type FlagTable, type FlagValues, UsageError } from "../../base/os/flags.ts";
import { isQuantity, parseQuantity } from "../../base/quantity.ts";
import { type AgentConfig, agentConfig, agentFlags } from "../flags.ts";
import { parseStages, type Stage } from "./stages.ts";

export const simulationFlags = {
  simulate: {
    kind: "integer",
    default: 0,
    help: "Be so many nodes whose pods run nothing, named --node-name and a number; 0: be a real one.",
    value: "NODES",
  },
  "simulate-stages": {
    kind: "string",
    help: "How long what takes on simulated nodes, as kwok's Stages in YAML; by default nothing takes any time.",
    value: "FILE",
  },
  "simulate-cpus": { kind: "integer", default: 32, help: "CPUs of each simulated node." },
  "simulate-memory": {
    kind: "string",
    default: "256Gi",
    help: "Memory of each simulated node.",
    value: "QUANTITY",
  },
  "simulate-zones": {
    kind: "integer",
    default: 0,
    help: "Spread simulated nodes over so many zones (topology.kubernetes.io/zone=zone-1 …).",
  },
} as const satisfies FlagTable;

const allFlags = { ...agentFlags, ...simulationFlags };
type AllFlags = FlagValues<typeof allFlags>;

export interface SimulationConfig {
  readonly agent: AgentConfig;
  readonly nodes: number;
  readonly stages: readonly Stage[];
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly zones: number;
  readonly podRange: string;
}

/** The flags of a real node that mean the same for a simulated one. */
const shared: ReadonlySet<string> = new Set([
  "node-name",
  "kubeconfig",
  "node-ip",
  "max-pods",
  "node-labels",
  "register-with-taints",
  "node-lease-duration-seconds",
  "system-reserved",
  "kube-reserved",
  "pod-cidr",
]);

/** Shared address space (RFC 6598): nobody's pods and services. */
const defaultPodRange = "100.64.0.0/10";
const mostNodes = 100_000;

/** What to simulate; undefined: nothing, be a real node. Throws UsageError naming every problem, one a line. */
export function simulationConfig(flags: AllFlags): SimulationConfig | undefined {
  const given = (names: readonly string[]) =>
    names.filter((name) => JSON.stringify(flags[name as keyof AllFlags]) !== JSON.stringify(defaultOf(name)));
  if (flags.simulate === 0) {
    const idle = given(Object.keys(simulationFlags));
    if (idle.length > 0) throw new UsageError(idle.map((name) => `--${name}: needs --simulate`).join("\n"));
    return undefined;
  }
  // Pods' range has rules of its own here.
  const agent = agentConfig({ ...flags, "pod-cidr": undefined });
  const problems = given(Object.keys(agentFlags))
    .filter((name) => !shared.has(name))
    .map((name) => `--${name}: means nothing to simulated nodes`);
  const check = (ok: boolean, flag: string, value: unknown, rule: string) => {
    if (!ok) problems.push(`--${flag}: ${JSON.stringify(value)} ${rule}`);
  };
  const {
    simulate: nodes,
    "simulate-cpus": cpus,
    "simulate-memory": memory,
    "simulate-zones": zones,
  } = flags;
  check(nodes > 0 && nodes <= mostNodes, "simulate", nodes, `must be 1 to ${mostNodes}`);
  check(cpus > 0, "simulate-cpus", cpus, "must be positive");
  check(isQuantity(memory), "simulate-memory", memory, "is not a quantity such as 256Gi");
  check(zones >= 0, "simulate-zones", zones, "must not be negative");
  const podRange = flags["pod-cidr"] ?? defaultPodRange;
  check(parseIpv4Range(podRange) !== undefined, "pod-cidr", podRange, "is not a range such as 100.64.0.0/10");
  check(agent.v6 === undefined, "node-ip", flags["node-ip"], "is two, and simulated nodes have IPv4 alone");
  if (problems.length > 0) throw new UsageError(problems.join("\n"));
  return {
    agent,
    nodes,
    stages: readStages(flags["simulate-stages"]),
    cpus,
    memoryBytes: parseQuantity(memory),
    zones,
    podRange,
  };
}

function defaultOf(name: string): unknown {
  const table: FlagTable = allFlags;
  return table[name]?.default;
}

function readStages(file: string | undefined): Stage[] {
  if (file === undefined) return [];
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new UsageError(`--simulate-stages: cannot read ${file}: ${(error as Error).message}`);
  }
  return parseStages(text, file);
}
