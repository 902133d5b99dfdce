import type { ClusterPolicy } from "../../../client/cluster-policies.ts";
import { type IpFamily, ipFamilies } from "../ip-family.ts";
import { isPort } from "../parsed-input.ts";
import {
  type BlockRange,
  type Fault,
  isGiven,
  listOf,
  protocolOf,
  protocols,
  rangeOf,
  type Shape,
  selectorOf,
  shapeOf,
  spansOf,
} from "./policy-fields.ts";
import {
  type CompiledClusterPolicy,
  nodesPlace,
  type PeerGroup,
  type Protocol,
  type RulePeers,
  type RulePort,
  type TierAction,
  type TierRule,
} from "./policy-model.ts";

const actions: Readonly<Record<string, TierAction>> = {
  Allow: "accept",
  Accept: "accept",
  Deny: "deny",
  Pass: "pass",
};
const lastPriority = 1_000;
/** The API allows one, and knows no priority of it: it is asked when all other policies of the tier were. */
const afterAll = lastPriority + 1;

/** An AdminNetworkPolicy, BaselineAdminNetworkPolicy or ClusterNetworkPolicy as plain values, with the addresses of one family. As
 *  their specification says, a rule that cannot be read whole fails closed: one that accepts is for no traffic, any other denies
 *  all. What is so is said. Pure. */
export function compileClusterPolicy(
  policy: ClusterPolicy,
  family: IpFamily = ipFamilies[4],
): CompiledClusterPolicy {
  const problems: string[] = [];
  const spec = shapeOf(policy.spec);
  const rules = (direction: "ingress" | "egress") =>
    listOf(spec[direction]).flatMap((rule, at) =>
      compileRule(shapeOf(rule), { direction, field: `spec.${direction}[${at}]`, family, problems }),
    );
  const isOnlyOne = policy.kind === "BaselineAdminNetworkPolicy";
  const isBaseline = isOnlyOne || (policy.kind === "ClusterNetworkPolicy" && spec.tier === "Baseline");
  const subject = subjectOf(spec.subject, (field, value, why) =>
    problems.push(problem(field, value, `${why}; the policy is for nobody`)),
  );
  const { priority } = spec;
  return {
    id: `${policy.kind} ${policy.metadata.name}`,
    policy,
    tier: isBaseline ? "baseline" : "admin",
    priority: isOnlyOne ? afterAll : typeof priority === "number" ? priority : lastPriority,
    ...(subject !== undefined && { subject }),
    ingress: rules("ingress"),
    egress: rules("egress"),
    problems,
  };
}

const problem = (field: string, value: unknown, why: string) =>
  `${field}: ${JSON.stringify(value) ?? "nothing"} ${why}`;

function subjectOf(value: unknown, fault: Fault): CompiledClusterPolicy["subject"] {
  const group = podsOf(shapeOf(value), "spec.subject", fault);
  if (group === undefined) fault("spec.subject", value, "names nobody that is known here");
  if (group === undefined || group === "unreadable" || "name" in group.namespaces) return undefined;
  return { namespaces: group.namespaces.selector, pods: group.pods };
}

interface Place {
  readonly direction: "ingress" | "egress";
  readonly field: string;
  readonly family: IpFamily;
  readonly problems: string[];
}

function compileRule(rule: Shape, { direction, field, family, problems }: Place): readonly TierRule[] {
  const action = typeof rule.action === "string" ? actions[rule.action] : undefined;
  const becomes =
    action === "accept" ? "the rule accepts nothing" : "the rule denies all, whomever it names and where";
  let isWhole = true;
  const fault: Fault = (where, value, why) => {
    isWhole = false;
    problems.push(problem(where, value, `${why}; ${becomes}`));
  };
  if (action === undefined) fault(`${field}.action`, rule.action, "is not an action");
  const name = direction === "ingress" ? "from" : "to";
  const known = ["name", "action", name, "ports", "protocols"];
  for (const key of Object.keys(rule))
    if (!known.includes(key)) fault(`${field}.${key}`, rule[key], "is not known here");
  const peers = compilePeers(listOf(rule[name]), {
    field: `${field}.${name}`,
    isEgress: direction === "egress",
    family,
    fault,
  });
  const ports = compilePorts(rule, field, fault);
  if (peers.namesNoPods && ports?.some((port) => "name" in port))
    fault(field, rule, "names ports of nodes or networks, which have no names");
  if (!isWhole || action === undefined) return action === "accept" ? [] : [{ action: "deny" }];
  const { groups, addresses } = peers;
  return [{ action, peers: { groups, addresses }, ...(ports !== undefined && { ports }) }];
}

interface PeerPlace {
  readonly field: string;
  readonly isEgress: boolean;
  readonly family: IpFamily;
  readonly fault: Fault;
}

/** Of each peer one field is set. One without any that is known here is of a later version of the API. */
function compilePeers(
  peers: readonly unknown[],
  { field, isEgress, family, fault }: PeerPlace,
): RulePeers & { readonly namesNoPods: boolean } {
  const groups: PeerGroup[] = [];
  const addresses: BlockRange[] = [];
  let namesNoPods = false;
  if (peers.length === 0) fault(field, peers, "names nobody");
  for (const [at, value] of peers.entries()) {
    const where = `${field}[${at}]`;
    const peer = shapeOf(value);
    const given = Object.keys(peer).filter((key) => isGiven(peer[key]));
    const pods = given.length === 1 ? podsOf(peer, where, fault) : undefined;
    if (pods === "unreadable") continue;
    if (pods !== undefined) groups.push(pods);
    else if (isEgress && given.join() === "nodes") {
      namesNoPods = true;
      const nodes = selectorOf(peer.nodes, `${where}.nodes`, fault);
      if (nodes !== "unreadable") groups.push({ namespaces: { name: nodesPlace }, pods: nodes });
    } else if (isEgress && given.join() === "networks") {
      namesNoPods = true;
      const networks = listOf(peer.networks);
      if (networks.length === 0) fault(`${where}.networks`, peer.networks, "names nobody");
      for (const [n, network] of networks.entries()) {
        const range = rangeOf(network, `${where}.networks[${n}]`, { family, fault });
        if (range !== undefined && range !== "other family") addresses.push(range);
      }
    } else if (isEgress && given.join() === "domainNames")
      fault(`${where}.domainNames`, peer.domainNames, "are not kept to: domain names are no peers here");
    else fault(where, value, "names nobody that is known here");
  }
  return { groups, addresses: spansOf(addresses, family), namesNoPods };
}

/** `namespaces` or `pods`, as subjects and peers have them. */
function podsOf(
  { namespaces, pods }: Shape,
  field: string,
  fault: Fault,
): PeerGroup | "unreadable" | undefined {
  if (isGiven(namespaces)) {
    const selector = selectorOf(namespaces, `${field}.namespaces`, fault);
    return selector === "unreadable" ? selector : { namespaces: { selector }, pods: [] };
  }
  if (!isGiven(pods)) return undefined;
  const { namespaceSelector, podSelector, ...unknown } = shapeOf(pods);
  if (!isGiven(podSelector) || Object.keys(unknown).length > 0) {
    fault(
      `${field}.pods`,
      pods,
      "is not a podSelector and, where not all namespaces are meant, a namespaceSelector",
    );
    return "unreadable";
  }
  const selector = selectorOf(namespaceSelector, `${field}.pods.namespaceSelector`, fault);
  const of = selectorOf(podSelector, `${field}.pods.podSelector`, fault);
  return selector === "unreadable" || of === "unreadable"
    ? "unreadable"
    : { namespaces: { selector }, pods: of };
}

/** Absent: any. `ports` in v1alpha1, `protocols` since. */
function compilePorts(rule: Shape, field: string, fault: Fault): readonly RulePort[] | undefined {
  const given = (["ports", "protocols"] as const).filter((name) => listOf(rule[name]).length > 0);
  if (given.length === 0) return undefined;
  return given.flatMap((name) =>
    listOf(rule[name]).flatMap((one, at) => {
      const where = `${field}.${name}[${at}]`;
      const found = name === "ports" ? portOf(shapeOf(one)) : protocolPortOf(shapeOf(one));
      if (found === undefined) fault(where, one, "is not a port");
      return found ?? [];
    }),
  );
}

/** v1alpha1: `portNumber`, `portRange` or `namedPort`. */
function portOf(port: Shape): readonly RulePort[] | undefined {
  const [name, ...more] = Object.keys(port).filter((key) => isGiven(port[key]));
  if (more.length > 0) return undefined;
  if (name === "namedPort") return named(port.namedPort);
  const value = shapeOf(port[name ?? ""]);
  const protocol = protocolOf(value.protocol);
  if (protocol === undefined) return undefined;
  if (name === "portNumber") return between(protocol, value.port, value.port);
  return name === "portRange" ? between(protocol, value.start, value.end) : undefined;
}

/** v1alpha2 and later: `tcp`, `udp` or `sctp` with `destinationPort`, or `destinationNamedPort`. */
function protocolPortOf(value: Shape): readonly RulePort[] | undefined {
  const [name, ...more] = Object.keys(value).filter((key) => isGiven(value[key]));
  if (more.length > 0) return undefined;
  if (name === "destinationNamedPort") return named(value.destinationNamedPort);
  const protocol = protocols.find((one) => one === name);
  const attributes = shapeOf(value[name ?? ""]);
  if (protocol === undefined || Object.keys(attributes).join() !== "destinationPort") return undefined;
  const { number, range, ...unknown } = shapeOf(attributes.destinationPort);
  if (Object.keys(unknown).length > 0 || isGiven(number) === isGiven(range)) return undefined;
  const { start, end } = shapeOf(range);
  return isGiven(number) ? between(protocol, number, number) : between(protocol, start, end);
}

function between(protocol: Protocol, first: unknown, last: unknown): readonly RulePort[] | undefined {
  return isPort(first) && isPort(last) && first <= last ? [{ protocol, range: { first, last } }] : undefined;
}

/** By whatever protocol the pod has a port of that name. */
function named(name: unknown): readonly RulePort[] | undefined {
  return typeof name === "string" && name !== ""
    ? protocols.map((protocol) => ({ protocol, name }))
    : undefined;
}
