import { addressText, ipRangeSize, parseIpRange } from "../../../base/ip-range.ts";
import { type Selector, SelectorError, selectorFromLabelSelector } from "../../../base/label-selector.ts";
import { mergedRanges, type NumberRange, rangeWithout } from "../../../base/number-ranges.ts";
import type { NetworkPolicy } from "../../../client/types.ts";
import { type IpFamily, ipFamilies } from "../ip-family.ts";
import { isPort } from "../parsed-input.ts";
import {
  type AddressSpan,
  allPorts,
  type CompiledPolicy,
  type PeerGroup,
  type PolicyRule,
  type Protocol,
  type RulePeers,
  type RulePort,
} from "./policy-model.ts";

const protocols = ["tcp", "udp", "sctp"] as const;

/** A policy as plain values, with the addresses of one family. What of it cannot be read allows nothing, and is said. Pure. */
export function compilePolicy(policy: NetworkPolicy, family: IpFamily = ipFamilies[4]): CompiledPolicy {
  const { namespace = "", name } = policy.metadata;
  const problems: string[] = [];
  const fault: Fault = (field, value, why) =>
    problems.push(`${field}: ${JSON.stringify(value) ?? "nothing"} ${why}; allows nothing`);
  const spec = (policy.spec ?? {}) as Shape;
  const types = listOf(spec.policyTypes);
  const isFor = (type: string, byDefault: boolean) => (types.length === 0 ? byDefault : types.includes(type));
  const rules = (direction: "ingress" | "egress", peers: "from" | "to") =>
    listOf(spec[direction]).map((rule, at) =>
      compileRule(rule as Shape, { namespace, field: `spec.${direction}[${at}]`, peers, family, fault }),
    );
  // A policy whose own selector cannot be read is for all pods of its namespace: closed rather than open.
  const selector = selectorOf(spec.podSelector, "spec.podSelector", fault);
  return {
    id: `${namespace}/${name}`,
    policy,
    namespace,
    selector: selector === "unreadable" ? [] : selector,
    ...(isFor("Ingress", true) && { ingress: rules("ingress", "from") }),
    ...(isFor("Egress", listOf(spec.egress).length > 0) && { egress: rules("egress", "to") }),
    problems,
  };
}

type Fault = (field: string, value: unknown, why: string) => void;
/** An object that the API checked, or did not. */
type Shape = Readonly<Record<string, unknown>>;

interface Place {
  readonly namespace: string;
  readonly field: string;
  readonly peers: "from" | "to";
  readonly family: IpFamily;
  readonly fault: Fault;
}

function compileRule(rule: Shape, place: Place): PolicyRule {
  const peers = listOf(rule[place.peers]);
  const ports = listOf(rule.ports);
  return {
    ...(peers.length > 0 && { peers: compilePeers(peers, place) }),
    ...(ports.length > 0 && { ports: ports.flatMap((port, at) => compilePort(port, at, place)) }),
  };
}

function compilePeers(peers: readonly unknown[], place: Place): RulePeers {
  const { namespace, field, peers: name, family, fault } = place;
  const groups: PeerGroup[] = [];
  const addresses: BlockRange[] = [];
  for (const [at, peer] of peers.entries()) {
    const where = `${field}.${name}[${at}]`;
    const { podSelector, namespaceSelector, ipBlock } = shapeOf(peer);
    if (isGiven(ipBlock)) {
      addresses.push(...compileBlock(shapeOf(ipBlock), `${where}.ipBlock`, place));
      continue;
    }
    if (!isGiven(podSelector) && !isGiven(namespaceSelector)) {
      fault(where, peer, "names nobody");
      continue;
    }
    const pods = isGiven(podSelector) ? selectorOf(podSelector, `${where}.podSelector`, fault) : [];
    const namespaces = isGiven(namespaceSelector)
      ? selectorOf(namespaceSelector, `${where}.namespaceSelector`, fault)
      : undefined;
    if (pods === "unreadable" || namespaces === "unreadable") continue;
    groups.push({
      namespaces: namespaces === undefined ? { name: namespace } : { selector: namespaces },
      pods,
    });
  }
  const text = (value: bigint) => addressText(family.version, value);
  const spans = mergedRanges(addresses).map(
    ({ first, last }): AddressSpan => ({ first: text(first), last: text(last) }),
  );
  return { groups, addresses: spans };
}

type BlockRange = NumberRange<bigint>;

/** A block without its exceptions. One of the other family is another table's matter, and skipped without a word. */
function compileBlock(
  { cidr, except }: Shape,
  field: string,
  { family, fault }: Place,
): readonly BlockRange[] {
  const read = (value: unknown, where: string) => rangeOf(value, where, { family, fault });
  const block = read(cidr, `${field}.cidr`);
  if (block === undefined) return [];
  const exceptions = listOf(except).map((one, at) => read(one, `${field}.except[${at}]`));
  // An exception that cannot be read might have taken anything away.
  if (exceptions.includes(undefined)) return [];
  const taken = exceptions.filter((one) => one !== undefined && one !== "other family") as BlockRange[];
  return block === "other family" ? [] : rangeWithout(block, taken);
}

/** Bits behind the prefix mean nothing, as in the API. */
function rangeOf(
  value: unknown,
  field: string,
  { family, fault }: Pick<Place, "family" | "fault">,
): BlockRange | "other family" | undefined {
  const range = typeof value === "string" ? parseIpRange(value) : undefined;
  if (range === undefined) {
    fault(field, value, "is not a range of addresses");
    return undefined;
  }
  if (range.family !== family.version) return "other family";
  return { first: range.first, last: range.first + ipRangeSize(range) - 1n };
}

function compilePort(value: unknown, at: number, { field, fault }: Place): readonly RulePort[] {
  const { protocol: asked, port, endPort } = shapeOf(value);
  const where = `${field}.ports[${at}]`;
  const protocol = protocolOf(asked);
  const refuse = (part: string, text: unknown, why: string): readonly RulePort[] => {
    fault(`${where}.${part}`, text, why);
    return [];
  };
  if (protocol === undefined) return refuse("protocol", asked, "is not a protocol of policies");
  if (!isGiven(port))
    return isGiven(endPort) ? refuse("endPort", endPort, "ends no range") : [{ protocol, range: allPorts }];
  if (typeof port === "string")
    return isGiven(endPort) ? refuse("endPort", endPort, "ends no range") : [{ protocol, name: port }];
  if (!isPort(port)) return refuse("port", port, "is not a port");
  if (!isGiven(endPort)) return [{ protocol, range: { first: port, last: port } }];
  return isPort(endPort) && endPort >= port
    ? [{ protocol, range: { first: port, last: endPort } }]
    : refuse("endPort", endPort, "ends no range");
}

export function protocolOf(value: unknown): Protocol | undefined {
  return protocols.find((one) => one.toUpperCase() === (value ?? "TCP"));
}

function selectorOf(value: unknown, field: string, fault: Fault): Selector | "unreadable" {
  const { matchLabels, matchExpressions } = shapeOf(value);
  const labels = shapeOf(matchLabels);
  const expressions = listOf(matchExpressions).map(shapeOf);
  const isReadable =
    Object.values(labels).every(isText) &&
    expressions.every(({ key, values }) => isText(key) && listOf(values).every(isText));
  try {
    const shape: object = { matchLabels: labels, matchExpressions: expressions };
    if (isReadable) return selectorFromLabelSelector(shape);
  } catch (error) {
    if (!(error instanceof SelectorError)) throw error;
  }
  fault(field, value, "is not a selector");
  return "unreadable";
}

const isText = (value: unknown): value is string => typeof value === "string";
const isGiven = (value: unknown) => value !== undefined && value !== null;
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const shapeOf = (value: unknown): Shape =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Shape) : {};
