import { type IpSpan, parseIpSpans } from "../../../base/ip-spans.ts";
import type { FlagTable, FlagValues } from "../../../base/os/flags.ts";
import type { BalancedBy } from "./verdict.ts";

export const loadBalancerFlags = {
  "service-load-balancer": {
    kind: "string",
    default: "none",
    value: "none|nodes|pool",
    help: "who gives Services of type LoadBalancer without a class their addresses: nobody here, the nodes, whose own they get, or the pool",
  },
  "service-load-balancer-pool": {
    kind: "list",
    default: [],
    value: "FIRST-LAST,…",
    help: "addresses of either family, each one Service's, that nodes with the same flag answer at; for those of the class pintle.dev/pool, too",
  },
  "service-load-balancer-kept-ports": {
    kind: "list",
    default: ["22"],
    value: "PORTS",
    help: "ports of the nodes' own programs, which no Service gets on the nodes' addresses",
  },
} as const satisfies FlagTable;

export interface Balancing {
  /** Who has the Services without a class. */
  readonly by: BalancedBy | undefined;
  readonly pool: readonly IpSpan[];
  readonly keptPorts: ReadonlySet<number>;
}

/** Undefined where Services' addresses are not ours to give. Adds what is wrong to `problems`. */
export function balancingConfig(
  flags: FlagValues<typeof loadBalancerFlags>,
  problems: string[],
): Balancing | undefined {
  const by = flags["service-load-balancer"];
  if (by !== "none" && by !== "nodes" && by !== "pool")
    problems.push(`--service-load-balancer: ${JSON.stringify(by)} is neither none, nodes nor pool`);
  const { spans, problems: faults } = parseIpSpans(flags["service-load-balancer-pool"]);
  problems.push(...faults.map((fault) => `--service-load-balancer-pool: ${fault}`));
  if (by === "pool" && flags["service-load-balancer-pool"].length === 0)
    problems.push("--service-load-balancer=pool: needs --service-load-balancer-pool");
  const ports = flags["service-load-balancer-kept-ports"].filter((port) => port !== "");
  for (const port of ports)
    if (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65_535)
      problems.push(
        `--service-load-balancer-kept-ports: ${JSON.stringify(port)} is not a port from 1 to 65535`,
      );
  const chosen = by === "nodes" || by === "pool" ? by : undefined;
  if (chosen === undefined && spans.length === 0) return undefined;
  return { by: chosen, pool: spans, keptPorts: new Set(ports.map(Number)) };
}
