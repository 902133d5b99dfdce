import { portName, portNumber } from "../../../client/rules/names.ts";
import type { NetworkPolicy } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { ipRange, isStrictlyWithin } from "./addresses.ts";
import { forbidden, invalid, notSupported, required } from "./field-errors.ts";
import { validateLabelSelector } from "./labels.ts";

type Spec = NetworkPolicy["spec"];
type Peer = NonNullable<NonNullable<Spec["ingress"]>[number]["from"]>[number];
type Port = NonNullable<NonNullable<Spec["ingress"]>[number]["ports"]>[number];
type Block = NonNullable<Peer["ipBlock"]>;

const protocols = ["TCP", "UDP", "SCTP"];
const policyTypes = ["Ingress", "Egress"];

/** @param current What is stored: ranges that the rules of their time took may stay. */
export function validateNetworkPolicySpec(
  spec: Spec,
  field: string,
  current: Spec | undefined,
): readonly FieldError[] {
  const known = new Set(
    current === undefined
      ? []
      : rulesOf(current).flatMap(({ peers }) =>
          peers.flatMap(({ ipBlock: block }) => (block ? [block.cidr, ...(block.except ?? [])] : [])),
        ),
  );
  const problems: FieldError[] = [...validateLabelSelector(spec.podSelector, `${field}.podSelector`)];
  for (const { at, ports, peers, peersName } of rulesOf(spec)) {
    ports.forEach((port, index) => {
      problems.push(...validatePort(port, `${field}.${at}.ports[${index}]`));
    });
    peers.forEach((peer, index) => {
      problems.push(...validatePeer(peer, `${field}.${at}.${peersName}[${index}]`, known));
    });
  }
  const types = spec.policyTypes ?? [];
  if (types.length > policyTypes.length)
    problems.push(invalid(`${field}.policyTypes`, types, "may not specify more than two policyTypes"));
  else
    types.forEach((type, index) => {
      if (!policyTypes.includes(type))
        problems.push(notSupported(`${field}.policyTypes[${index}]`, type, policyTypes));
    });
  return problems;
}

interface Rule {
  readonly at: string;
  readonly ports: readonly Port[];
  readonly peers: readonly Peer[];
  readonly peersName: "from" | "to";
}

/** Rules of both directions. */
function rulesOf({ ingress = [], egress = [] }: Spec): readonly Rule[] {
  return [
    ...ingress.map((rule, index): Rule => {
      // The models call it otherwise than it stands in JSON.
      const { from = [] } = rule as { readonly from?: readonly Peer[] };
      return { at: `ingress[${index}]`, ports: rule.ports ?? [], peers: from, peersName: "from" };
    }),
    ...egress.map(
      ({ ports = [], to = [] }, index): Rule => ({
        at: `egress[${index}]`,
        ports,
        peers: to,
        peersName: "to",
      }),
    ),
  ];
}

function validatePort({ protocol, port, endPort }: Port, field: string): readonly FieldError[] {
  const problems: FieldError[] = [];
  const refuseEnd = (value: unknown, text: string) => problems.push(invalid(`${field}.endPort`, value, text));
  if (protocol !== undefined && !protocols.includes(protocol))
    problems.push(notSupported(`${field}.protocol`, protocol, protocols));
  if (port === undefined) {
    if (endPort !== undefined) refuseEnd(endPort, "may not be specified when `port` is not specified");
  } else if (typeof port === "number") {
    problems.push(...portNumber(port).map((text) => invalid(`${field}.port`, port, text)));
    if (endPort !== undefined) {
      // Kubernetes shows the port here.
      if (endPort < port) refuseEnd(port, "must be greater than or equal to `port`");
      for (const text of portNumber(endPort)) refuseEnd(endPort, text);
    }
  } else {
    if (endPort !== undefined) refuseEnd(endPort, "may not be specified when `port` is non-numeric");
    problems.push(...portName(port).map((text) => invalid(`${field}.port`, port, text)));
  }
  return problems;
}

function validatePeer(peer: Peer, field: string, known: ReadonlySet<string>): readonly FieldError[] {
  const { podSelector, namespaceSelector, ipBlock } = peer;
  const given = [podSelector, namespaceSelector, ipBlock].filter((one) => one !== undefined).length;
  return [
    ...validateLabelSelector(podSelector, `${field}.podSelector`),
    ...validateLabelSelector(namespaceSelector, `${field}.namespaceSelector`),
    ...(ipBlock === undefined ? [] : validateBlock(ipBlock, `${field}.ipBlock`, known)),
    ...(given === 0 ? [required(field, "must specify a peer")] : []),
    ...(given > 1 && ipBlock !== undefined
      ? [forbidden(field, "may not specify both ipBlock and another peer")]
      : []),
  ];
}

function validateBlock({ cidr, except = [] }: Block, field: string, known: ReadonlySet<string>) {
  if (!cidr) return [required(`${field}.cidr`)];
  const range = (at: string, value: string) => (known.has(value) ? [] : ipRange(at, value));
  const problems: FieldError[] = [...range(`${field}.cidr`, cidr)];
  except.forEach((one, index) => {
    const at = `${field}.except[${index}]`;
    problems.push(...range(at, one));
    if (isStrictlyWithin(one, cidr) === false)
      problems.push(invalid(at, one, "must be a strict subset of `cidr`"));
  });
  return problems;
}
