import { rangeWithout } from "../../../base/number-ranges.ts";
import type { NetworkPolicy } from "../../../client/types.ts";
import { type IpFamily, ipFamilies } from "../ip-family.ts";
import { isPort } from "../parsed-input.ts";
import {
  type BlockRange,
  type Fault,
  isGiven,
  listOf,
  protocolOf,
  rangeOf,
  type Shape,
  selectorOf,
  shapeOf,
  spansOf,
} from "./policy-fields.ts";
import {
  allPorts,
  type CompiledPolicy,
  type PeerGroup,
  type PolicyRule,
  type RulePeers,
  type RulePort,
} from "./policy-model.ts";

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
  return { groups, addresses: spansOf(addresses, family) };
}

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
