import { mergedRanges, type NumberRange } from "../../../base/number-ranges.ts";
import {
  type AddressSpan,
  allAddresses,
  type CompiledClusterPolicy,
  type CompiledPolicy,
  type Direction,
  everywhere,
  type NamedPort,
  type PeerGroup,
  type PolicyRule,
  type Protocol,
  type TierAction,
  type TierRule,
} from "./policy-model.ts";

/** One pod's verdict for one direction, as plain values. */

/** Is for what meets all that it says. */
export interface VerdictRule {
  readonly action: TierAction;
  /** Absent: anybody. */
  readonly peer?: { readonly group: PeerGroup } | { readonly addresses: readonly AddressSpan[] };
  /** Absent: any port of any protocol. `named`: at the peer's own port of that name. */
  readonly port?:
    | { readonly protocol: Protocol; readonly ranges: readonly NumberRange[] }
    | { readonly protocol: Protocol; readonly named: PeerGroup };
}

/** What these network policies together let through to or from a pod with these ports: all else is not. `undefined` where none of
 *  them is for this direction. Pure. */
export function verdictRules(
  direction: Direction,
  policies: readonly CompiledPolicy[],
  ownPorts: readonly NamedPort[],
): readonly VerdictRule[] | undefined {
  const concerned = policies.flatMap((policy) => policy[direction] ?? []);
  if (!policies.some((policy) => policy[direction] !== undefined)) return undefined;
  const found = distinct(
    concerned.flatMap((rule) => rulesOf(direction, { ...rule, action: "accept" }, ownPorts)),
  );
  const everything = found.find(isForAll);
  return everything === undefined ? found : [everything];
}

/** What the policies of one tier say, the first that traffic meets; `undefined` where none of them has rules for this direction.
 *  Pure.
 *  @param policies In the order that they are asked in. */
export function tierRules(
  direction: Direction,
  policies: readonly CompiledClusterPolicy[],
  ownPorts: readonly NamedPort[],
): readonly VerdictRule[] | undefined {
  const concerned = policies.flatMap((policy) => policy[direction]);
  if (concerned.length === 0) return undefined;
  const found = distinct(concerned.flatMap((rule) => rulesOf(direction, rule, ownPorts)));
  const everything = found.findIndex(isForAll);
  return everything < 0 ? found : found.slice(0, everything + 1);
}

const isForAll = ({ peer, port }: VerdictRule) => peer === undefined && port === undefined;

/** Who meets a rule twice has met it the first time. */
function distinct(rules: readonly VerdictRule[]): readonly VerdictRule[] {
  const found = new Map<string, VerdictRule>();
  for (const rule of rules) {
    const key = JSON.stringify([rule.peer, rule.port]);
    if (!found.has(key)) found.set(key, rule);
  }
  return [...found.values()];
}

/** Whether a pod's own ports matter to what these policies let in. */
export function namesOwnPorts(
  direction: Direction,
  policies: readonly { readonly ingress?: readonly PolicyRule[] }[],
): boolean {
  return (
    direction === "ingress" &&
    policies.some(({ ingress = [] }) =>
      ingress.some(({ ports = [] }) => ports.some((port) => "name" in port)),
    )
  );
}

function rulesOf(
  direction: Direction,
  { action, peers, ports }: TierRule,
  ownPorts: readonly NamedPort[],
): readonly VerdictRule[] {
  const rules: VerdictRule[] = [];
  for (const peer of peersOf(peers))
    for (const port of portsOf(direction, ports, ownPorts)) {
      if (port === "any") rules.push(peer === "any" ? { action } : { action, peer });
      else if ("name" in port) {
        const { name, protocol } = port;
        const among = peer !== "any" && "group" in peer ? peer.group : everywhere;
        rules.push({
          action,
          ...(peer !== "any" && !("group" in peer) && { peer }),
          port: { protocol, named: { ...among, port: { name, protocol } } },
        });
      } else rules.push(peer === "any" ? { action, port } : { action, peer, port });
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
