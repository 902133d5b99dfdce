import { parseAddress } from "../../base/ip-range.ts";
import { type IpSpan, isInSpans } from "../../base/ip-spans.ts";
import type { Log } from "../../base/os/log.ts";
import type { HostPort } from "../network-seam.ts";
import { type IpFamily, placeText } from "./ip-family.ts";
import type { RulesetApplier } from "./nft-applier.ts";
import type { Ruleset } from "./nft-ruleset.ts";
import { type NftText, nft, nftList } from "./nft-text.ts";
import { isPort } from "./parsed-input.ts";
import { spanText } from "./service-rules.ts";

/** Ports of pods on the node's own addresses (`hostPort`), as address translation. */
export interface HostPorts {
  /** Rejects, and remembers nothing, where a port cannot be had. The pod has one address of a family at most. */
  set(sandboxId: string, podIps: readonly string[], ports: readonly HostPort[]): Promise<void>;
  remove(sandboxId: string): Promise<void>;
  /** Every pod that goes on was set: takes away what a predecessor had for others. */
  restored(): Promise<void>;
}

/** Where there is nothing that translates addresses. */
export const noHostPorts: HostPorts = {
  set: async () => undefined,
  remove: async () => undefined,
  restored: async () => undefined,
};

/** Of a family that the node has. */
export interface HostPortSide {
  readonly family: IpFamily;
  readonly applier: RulesetApplier;
  /** Addresses that are the node's own, but no pod's to listen on. */
  readonly dnsAddress?: string;
  readonly balancerPool?: readonly IpSpan[];
}

interface PodHostPorts {
  readonly podIp: string;
  readonly rules: readonly NftText[];
}

export interface HostPortParts {
  readonly log: Log;
  /** From the node's loopback to a pod's IPv4 address; `hostPortRules` keeps others out of the loopback. */
  readonly routeLoopback: (podIp: string) => Promise<void>;
}

export function openHostPorts(
  sides: readonly HostPortSide[],
  { log, routeLoopback }: HostPortParts,
): HostPorts {
  /** Side by side. */
  const pods = new Map<string, readonly (PodHostPorts | undefined)[]>();
  const apply = (side: HostPortSide, at: number) =>
    side.applier.apply(
      hostPortRules(
        side.family,
        [...pods.values()].flatMap((ofPod) => ofPod[at] ?? []),
      ),
    );
  return {
    async set(sandboxId, podIps, ports) {
      if (ports.length === 0 && !pods.has(sandboxId)) return;
      for (const port of ports) mustBeServed(port, podIps, sides);
      pods.set(
        sandboxId,
        sides.map((side) => {
          const podIp = podIps.find((ip) => parseAddress(ip)?.family === side.family.version);
          if (podIp === undefined) return undefined;
          return { podIp, rules: ports.flatMap((port) => hostPortRule(podIp, port, side)) };
        }),
      );
      try {
        await Promise.all(sides.map(apply));
      } catch (error) {
        pods.delete(sandboxId); // or no pod's host ports would be set any more
        await Promise.allSettled(sides.map(apply)); // what one of them took
        throw error;
      }
      if (ports.length === 0) return;
      for (const podIp of podIps)
        if (parseAddress(podIp)?.family === 4)
          await routeLoopback(podIp).catch((error: unknown) =>
            log.warn("a pod's host ports are not reachable at 127.0.0.1", { podIp, error }),
          );
    },
    async remove(sandboxId) {
      if (pods.delete(sandboxId)) await Promise.all(sides.map(apply));
    },
    async restored() {
      try {
        await Promise.all(sides.map(apply));
      } catch (error) {
        log.warn("host ports of pods that are gone may still lead somewhere", { error });
      }
    },
  };
}

const everyAddress = ["", "0.0.0.0", "::"];

const refusal = (field: string, value: unknown, why: string): Error =>
  new Error(`${field} ${JSON.stringify(value)} ${why}`);

/** Throws, naming the field, where the port is none that this node can serve. */
function mustBeServed(
  { hostIp = "", hostPort, containerPort, protocol }: HostPort,
  podIps: readonly string[],
  sides: readonly HostPortSide[],
): void {
  if (!isPort(hostPort)) throw refusal("hostPort", hostPort, "is not a port");
  if (!isPort(containerPort)) throw refusal("containerPort", containerPort, "is not a port");
  if (protocolOf(protocol) === undefined)
    throw refusal("protocol", protocol, "is not a protocol of host ports");
  if (everyAddress.includes(hostIp)) return;
  const address = parseAddress(hostIp);
  if (address === undefined) throw refusal("hostIP", hostIp, "is not an IP address");
  const side = sides.find(({ family }) => family.version === address.family);
  if (side === undefined) throw refusal("hostIP", hostIp, "is an IPv6 address; this node has IPv4 only");
  if (!podIps.some((ip) => parseAddress(ip)?.family === address.family))
    throw refusal("hostIP", hostIp, `is an address of ${side.family.name}, of which the pod has none`);
  const { dnsAddress = "", balancerPool = [] } = side;
  if (parseAddress(dnsAddress)?.value === address.value)
    throw refusal("hostIP", hostIp, "is the address of the cluster's DNS");
  if (isInSpans(balancerPool, address)) throw refusal("hostIP", hostIp, "is an address of load balancers");
}

/** None where the port is at an address of the other family. */
function hostPortRule(
  podIp: string,
  { protocol, hostIp = "", hostPort, containerPort }: HostPort,
  { family, dnsAddress, balancerPool = [] }: HostPortSide,
): readonly NftText[] {
  const { ip } = family;
  const known = protocolOf(protocol) ?? "tcp";
  const to = nft`${known} dport ${hostPort} dnat to ${placeText(family, podIp, containerPort)}`;
  if (!everyAddress.includes(hostIp))
    return parseAddress(hostIp)?.family === family.version ? [nft`${ip} daddr ${hostIp} ${to}`] : [];
  const texts = [...(dnsAddress === undefined ? [] : [nft`${dnsAddress}`]), ...balancerPool.map(spanText)];
  const [only] = texts;
  if (only === undefined) return [nft`fib daddr type local ${to}`];
  const others = texts.length === 1 ? only : nft`{ ${nftList(texts)} }`;
  return [nft`${ip} daddr != ${others} fib daddr type local ${to}`];
}

const protocolOf = (protocol: unknown) =>
  (["tcp", "udp", "sctp"] as const).find((one) => one === String(protocol).toLowerCase());

function hostPortRules(
  { version, ip, addressType, loopback }: IpFamily,
  pods: readonly PodHostPorts[],
): Ruleset {
  const isFromOutside = nft`iifname != "lo"`;
  // IPv6 has no way out of its loopback.
  const fence =
    version === 6
      ? {}
      : {
          fence: {
            hook: nft`type filter hook prerouting priority raw;`,
            rules: [
              nft`${isFromOutside} ${ip} saddr ${loopback} drop`,
              nft`${isFromOutside} ${ip} daddr ${loopback} drop`,
            ],
          },
        };
  return {
    chains: {
      ...fence,
      "host-ports": { rules: pods.flatMap(({ rules }) => rules) },
      prerouting: { hook: nft`type nat hook prerouting priority dstnat + 5;`, rules: [nft`jump host-ports`] },
      output: { hook: nft`type nat hook output priority -95;`, rules: [nft`jump host-ports`] },
      postrouting: {
        hook: nft`type nat hook postrouting priority srcnat;`,
        // A pod that meets itself at its host port must not see its own address as the sender.
        rules: [
          nft`ct status dnat ${ip} saddr . ${ip} daddr @hairpins masquerade`,
          // Nor can it answer to the node's loopback.
          ...(version === 6 ? [] : [nft`ct status dnat ${ip} saddr ${loopback} oifname != "lo" masquerade`]),
        ],
      },
    },
    maps: {},
    sets: {
      hairpins: {
        definition: nft`type ${addressType} . ${addressType};`,
        elements: pods.map(({ podIp }) => nft`${podIp} . ${podIp}`),
      },
    },
  };
}
