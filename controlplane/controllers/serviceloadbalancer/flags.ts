import type { FlagTable, FlagValues } from "../../../base/os/flags.ts";

export const loadBalancerFlags = {
  "service-load-balancer": {
    kind: "string",
    default: "none",
    value: "none|nodes",
    help: "who gives Services of type LoadBalancer their addresses: nobody here, or the nodes, whose own addresses they get",
  },
  "service-load-balancer-kept-ports": {
    kind: "list",
    default: ["22"],
    value: "PORTS",
    help: "ports of the nodes' own programs, which no Service gets on the nodes' addresses",
  },
} as const satisfies FlagTable;

export interface NodeBalancing {
  readonly keptPorts: ReadonlySet<number>;
}

/** Undefined where Services' addresses are not ours to give. Adds what is wrong to `problems`. */
export function nodeBalancing(
  flags: FlagValues<typeof loadBalancerFlags>,
  problems: string[],
): NodeBalancing | undefined {
  const by = flags["service-load-balancer"];
  if (by !== "none" && by !== "nodes")
    problems.push(`--service-load-balancer: ${JSON.stringify(by)} is neither none nor nodes`);
  const ports = flags["service-load-balancer-kept-ports"].filter((port) => port !== "");
  for (const port of ports)
    if (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65_535)
      problems.push(
        `--service-load-balancer-kept-ports: ${JSON.stringify(port)} is not a port from 1 to 65535`,
      );
  return by === "nodes" ? { keptPorts: new Set(ports.map(Number)) } : undefined;
}
