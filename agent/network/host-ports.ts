import type { HostPort } from "../network-seam.ts";
import type { RulesetApplier } from "./nft-applier.ts";
import type { Ruleset } from "./nft-ruleset.ts";

/** Ports of pods on the node's own address (`hostPort`), as address translation. */
export interface HostPorts {
  set(sandboxId: string, podIp: string, ports: readonly HostPort[]): Promise<void>;
  remove(sandboxId: string): Promise<void>;
}

export function openHostPorts(applier: RulesetApplier): HostPorts {
  const pods = new Map<string, { readonly podIp: string; readonly ports: readonly HostPort[] }>();
  return {
    async set(sandboxId, podIp, ports) {
      if (ports.length === 0 && !pods.has(sandboxId)) return;
      pods.set(sandboxId, { podIp, ports });
      await applier.apply(hostPortRules([...pods.values()]));
    },
    async remove(sandboxId) {
      if (pods.delete(sandboxId)) await applier.apply(hostPortRules([...pods.values()]));
    },
  };
}

function hostPortRules(
  pods: readonly { readonly podIp: string; readonly ports: readonly HostPort[] }[],
): Ruleset {
  const rules = pods.flatMap(({ podIp, ports }) =>
    ports.map(({ protocol, hostIp, hostPort, containerPort }) => {
      const where = hostIp && hostIp !== "0.0.0.0" ? `ip daddr ${hostIp}` : "fib daddr type local";
      return `${where} ${protocol.toLowerCase()} dport ${hostPort} dnat to ${podIp}:${containerPort}`;
    }),
  );
  return {
    chains: {
      "host-ports": { rules },
      prerouting: { hook: "type nat hook prerouting priority dstnat + 5;", rules: ["jump host-ports"] },
      output: { hook: "type nat hook output priority -95;", rules: ["jump host-ports"] },
    },
    maps: {},
    sets: {},
  };
}
