import { mergedRanges, type NumberRange } from "../../../base/number-ranges.ts";
import {
  type AddressSpan,
  allAddresses,
  type CompiledPolicy,
  type Direction,
  everywhere,
  type NamedPort,
  type PeerGroup,
  type PolicyRule,
  type Protocol,
} from "./policy-model.ts";

/** One pod's verdict for one direction, as plain values: what is let through; all else is not. */

/** Lets through what meets all that it says. */
export interface VerdictRule {
  /** Absent: anybody. */
  readonly peer?: { readonly group: PeerGroup } | { readonly addresses: readonly AddressSpan[] };
  /** Absent: any port of any protocol. `named`: at the peer's own port of that name. */
  readonly port?:
    | { readonly protocol: Protocol; readonly ranges: readonly NumberRange[] }
    | { readonly protocol: Protocol; readonly named: PeerGroup };
}

/** What these policies together let through to or from a pod with these ports; `undefined` where none of them is for this
 *  direction: all is. Pure. */
export function verdictRules(
  direction: Direction,
  policies: readonly CompiledPolicy[],
  ownPorts: readonly NamedPort[],
): readonly VerdictRule[] | undefined {
  const concerned = policies.flatMap((policy) => policy[direction] ?? []);
  if (!policies.some((policy) => policy[direction] !== undefined)) return undefined;
  const found = new Map<string, VerdictRule>();
  for (const rule of concerned)
    for (const one of rulesOf(direction, rule, ownPorts)) found.set(JSON.stringify(one), one);
  const everything = [...found.values()].find(({ peer, port }) => peer === undefined && port === undefined);
  return everything === undefined ? [...found.values()] : [everything];
}

/** Whether a pod's own ports matter to what these policies let in. */
export function namesOwnPorts(direction: Direction, policies: readonly CompiledPolicy[]): boolean {
  return (
    direction === "ingress" &&
    policies.some(({ ingress = [] }) =>
      ingress.some(({ ports = [] }) => ports.some((port) => "name" in port)),
    )
  );
}

function rulesOf(
  direction: Direction,
  { peers, ports }: PolicyRule,
  ownPorts: readonly NamedPort[],
): readonly VerdictRule[] {
  const rules: VerdictRule[] = [];
  for (const peer of peersOf(peers))
    for (const port of portsOf(direction, ports, ownPorts)) {
      if (port === "any") rules.push(peer === "any" ? {} : { peer });
      else if ("name" in port) {
        const { name, protocol } = port;
        const among = peer !== "any" && "group" in peer ? peer.group : everywhere;
        rules.push({
          ...(peer !== "any" && !("group" in peer) && { peer }),
          port: { protocol, named: { ...among, port: { name, protocol } } },
        });
      } else rules.push(peer === "any" ? { port } : { peer, port });
    }
  return rules;
}

function peersOf(peers: PolicyRule["peers"]): readonly ("any" | NonNullable<VerdictRule["peer"]>)[] {
  if (peers === undefined) return ["any"];
  const [first] = peers.addresses;
  if (first !== undefined && allAddresses[first.first] === first.last) return ["any"];
  return [
    ...peers.groups.map((group) => ({ group })),
    ...(first === undefined ? [] : [{ addresses: peers.addresses }]),
  ];
}

type PortPart =
  | "any"
  | { readonly protocol: Protocol; readonly ranges: readonly NumberRange[] }
  | { readonly protocol: Protocol; readonly name: string };

/** By protocol. Names of ports that are connected to here are numbers already. */
function portsOf(
  direction: Direction,
  ports: PolicyRule["ports"],
  ownPorts: readonly NamedPort[],
): readonly PortPart[] {
  if (ports === undefined) return ["any"];
  const ranges = new Map<Protocol, NumberRange[]>();
  const named: PortPart[] = [];
  const add = (protocol: Protocol, range: NumberRange) =>
    ranges.set(protocol, [...(ranges.get(protocol) ?? []), range]);
  for (const port of ports) {
    const { protocol } = port;
    if ("range" in port) add(protocol, port.range);
    else if (direction === "egress") named.push({ protocol, name: port.name });
    else
      for (const own of ownPorts)
        if (own.name === port.name && own.protocol === protocol)
          add(protocol, { first: own.port, last: own.port });
  }
  return [...[...ranges].map(([protocol, list]) => ({ protocol, ranges: mergedRanges(list) })), ...named];
}
