import { parseIpRange } from "../../base/ip-range.ts";
import type { IpFamily } from "./ip-family.ts";
import { addressBytes, registerBytes } from "./nfnetlink/attributes.ts";
import type { Expression } from "./nfnetlink/expressions.ts";
import type { Chain, ElementFields, ElementMap, Field } from "./nft-ruleset.ts";
import { type NftText, nft } from "./nft-text.ts";
import type { ServicePort } from "./service-plan.ts";

/** How Services without session affinity choose an endpoint: a chain for each number of endpoints picks a number at random,
 *  which leads to the chain of that number, which looks up, in its map, who has it for the address (or node port) that was asked
 *  for. So a Service costs elements and no chain, rule or set of its own: thousands of those take the kernel seconds. Pure. */

/** How a connection came: to an address of a Service, or to a node port. */
export type WayIn = "address" | "node-port";
/** Both may be asked for at one address. */
export type EndpointList = "all" | "local";
export interface ChoiceKind {
  readonly way: WayIn;
  readonly list: EndpointList;
}
export const choiceKinds = (["address", "node-port"] as const).flatMap((way) =>
  (["all", "local"] as const).map((list): ChoiceKind => ({ way, list })),
);

export const kindName = ({ way, list }: ChoiceKind): string => (list === "all" ? way : `${list}-${way}`);
/** From numbers to their chains. */
const numbersMap = (kind: ChoiceKind): string => `numbers-${kindName(kind)}`;
/** The chain of a number, and its map. */
export const numberName = (kind: ChoiceKind, number: number): string => `${kindName(kind)}-${number}`;
export const choiceName = (kind: ChoiceKind, count: number): string => `one-of-${count}-${kindName(kind)}`;

const masqueradeMark = 0x4000;
export const markText = nft`0x4000`;
export const markForMasquerade = nft`meta mark set meta mark | ${markText}`;

/** What asks for a Service: an address with its protocol and port, or the latter. */
export function askedFields({ addressField }: IpFamily, way: WayIn): readonly Field[] {
  return way === "address" ? [addressField, "protocol", "port"] : ["protocol", "port"];
}

export function askedType({ addressType }: IpFamily, way: WayIn): NftText {
  const type = nft`inet_proto . inet_service`;
  return way === "address" ? nft`${addressType} . ${type}` : type;
}

/** How a rule looks up what a packet asks for. */
export function asked({ ip }: IpFamily, way: WayIn): NftText {
  const text = nft`meta l4proto . th dport`;
  return way === "address" ? nft`${ip} daddr . ${text}` : text;
}

/** Without elements; there whatever Services there are. */
export function numbersMaps(): Readonly<Record<string, Omit<ElementMap, "elements">>> {
  const definition = nft`typeof numgen random mod 2147483647 : verdict`;
  const fields: ElementFields = { key: ["number"], value: "verdict" };
  return Object.fromEntries(choiceKinds.map((kind) => [numbersMap(kind), { definition, fields }]));
}

/** What a number needs, so that chains may pick it. */
export function numberRules(family: IpFamily, kind: ChoiceKind, number: number): NumberRules {
  const name = numberName(kind, number);
  const { way } = kind;
  const value = nft`${family.addressType} . inet_service`;
  return {
    name,
    endpoints: {
      definition: nft`type ${askedType(family, way)} : ${value}`,
      fields: { key: askedFields(family, way), value: [family.addressField, "port"] },
    },
    chain: {
      rules: protocols.map(
        (protocol) => nft`meta l4proto ${protocol} dnat ${family.ip} to ${asked(family, way)} map @${name}`,
      ),
      expressions: protocols.map((protocol) => translation(family, way, { protocol, map: name })),
    },
    map: numbersMap(kind),
    key: nft`${number}`,
    value: nft`goto ${name}`,
  };
}

/** A chain and a map of this name, and what leads to the chain. */
export interface NumberRules {
  readonly name: string;
  readonly endpoints: Omit<ElementMap, "elements">;
  readonly chain: Chain;
  readonly map: string;
  readonly key: NftText;
  readonly value: NftText;
}

/** To one of `count` endpoints. */
export function choiceChain(kind: ChoiceKind, count: number): Chain {
  const map = numbersMap(kind);
  return {
    rules: [nft`numgen random mod ${count} vmap @${map}`],
    expressions: [
      [
        { kind: "random", below: count, to: firstRegister },
        { kind: "lookup", set: map, at: firstRegister, to: verdictRegister },
      ],
    ],
  };
}

/** The same, with the node's own address as the sender's: the answer must come back through this node. */
export function masqueradedChain(target: string): Chain {
  return {
    rules: [markForMasquerade, nft`goto ${target}`],
    expressions: [markExpressions, [{ kind: "goto", chain: target }]],
  };
}

/** From inside the cluster and from the node itself to one of all endpoints, as if it had gone out to a load balancer and come
 *  back; from outside to one of this node's, if there are some. */
export function outsideChain(
  family: IpFamily,
  {
    inside,
    everywhere,
    here,
  }: {
    readonly inside: string;
    readonly everywhere: string | undefined;
    readonly here: string | undefined;
  },
): Chain {
  const rules: NftText[] = [];
  const expressions: (readonly Expression[])[] = [];
  if (everywhere !== undefined) {
    const goto: Expression = { kind: "goto", chain: everywhere };
    if (inside !== "") {
      rules.push(nft`${family.ip} saddr ${inside} goto ${everywhere}`);
      expressions.push([...isInside(family, inside), goto]);
    }
    rules.push(nft`fib saddr type local ${markForMasquerade}`, nft`fib saddr type local goto ${everywhere}`);
    expressions.push([...isNode, ...markExpressions], [...isNode, goto]);
  }
  if (here !== undefined) {
    rules.push(nft`goto ${here}`);
    expressions.push([{ kind: "goto", chain: here }]);
  }
  return { rules, expressions };
}

const protocols = ["tcp", "udp", "sctp"] as const satisfies readonly ServicePort["protocol"][];
const protocolNumbers = { tcp: 6, udp: 17, sctp: 132 } as const;
/** Where a packet's head has them. */
const receiverAt = { 4: { offset: 16, length: 4 }, 6: { offset: 24, length: 16 } } as const;
const senderAt = { 4: { offset: 12, length: 4 }, 6: { offset: 8, length: 16 } } as const;
const portOfReceiver = { base: "transport", offset: 2, length: 2 } as const;
const verdictRegister = 0;
const firstRegister = 1;
/** The first register's first four bytes. */
const firstShortRegister = 8;

function translation(
  { version }: IpFamily,
  way: WayIn,
  { protocol, map }: { readonly protocol: keyof typeof protocolNumbers; readonly map: string },
): readonly Expression[] {
  const receiver = receiverAt[version];
  const afterAddress = firstShortRegister + receiver.length / 4;
  const next = way === "address" ? afterAddress : firstShortRegister;
  return [
    { kind: "load", what: "protocol", to: firstRegister },
    { kind: "isEqual", from: firstRegister, bytes: Uint8Array.of(protocolNumbers[protocol]) },
    ...(way === "address"
      ? [{ kind: "payload", base: "network", ...receiver, to: firstRegister } as const]
      : []),
    { kind: "load", what: "protocol", to: next },
    { kind: "payload", ...portOfReceiver, to: next + 1 },
    { kind: "lookup", set: map, at: firstRegister, to: firstRegister },
    { kind: "translate", version, address: firstRegister, port: afterAddress },
  ];
}

const markExpressions: readonly Expression[] = [
  { kind: "load", what: "mark", to: firstRegister },
  {
    kind: "bits",
    at: firstRegister,
    mask: registerBytes(~masqueradeMark >>> 0),
    xor: registerBytes(masqueradeMark),
  },
  { kind: "setMark", from: firstRegister },
];

/** Of routes to the node's own addresses (`RTN_LOCAL`). */
const localType = 2;
const isNode: readonly Expression[] = [
  { kind: "senderType", to: firstRegister },
  { kind: "isEqual", from: firstRegister, bytes: registerBytes(localType) },
];

function isInside({ version }: IpFamily, range: string): readonly Expression[] {
  const { first = 0n, prefixBits = 0 } = parseIpRange(range) ?? {};
  const place = senderAt[version];
  const mask = new Uint8Array(place.length).map((_, at) => {
    const bits = Math.min(8, Math.max(0, prefixBits - at * 8));
    return 0xff & (0xff << (8 - bits));
  });
  return [
    { kind: "payload", base: "network", ...place, to: firstRegister },
    { kind: "bits", at: firstRegister, mask, xor: new Uint8Array(place.length) },
    { kind: "isEqual", from: firstRegister, bytes: addressBytes(first, place.length) },
  ];
}
