import { createHash } from "node:crypto";
import type { NumberRange } from "../../../base/number-ranges.ts";
import type { IpFamily } from "../ip-family.ts";
import { type NftText, nft, nftList } from "../nft-text.ts";
import { type AddressSpan, allPorts, type Direction, type PeerGroup } from "./policy-model.ts";
import type { VerdictRule } from "./verdict-rules.ts";

/** Verdicts as nftables rules: a chain returns for what is let through, drops what is not, and leaves what it passes, with all
 *  that none of its rules is for, to the next one. Pure. */
export interface VerdictChain {
  /** By what it says: pods with the same verdicts share a chain. */
  readonly name: string;
  readonly rules: readonly NftText[];
  /** Sets of addresses, or of addresses with ports, that its rules look into. */
  readonly groups: readonly PeerGroup[];
  readonly blocks: readonly AddressBlocks[];
  /** The next tier's: it is to be there as long as this one. */
  readonly next?: VerdictChain;
}

/** A set of addresses that stays as it is. */
export interface AddressBlocks {
  readonly name: string;
  readonly elements: readonly NftText[];
}

export const groupDefinition = ({ port }: PeerGroup, { addressType }: IpFamily): NftText =>
  port === undefined ? nft`type ${addressType};` : nft`type ${addressType} . inet_service;`;
export const blocksDefinition = ({ addressType }: IpFamily): NftText =>
  nft`type ${addressType}; flags interval;`;

/** @param otherwise What becomes of what no rule is for, and of what is passed. */
export function verdictChain(
  direction: Direction,
  verdicts: readonly VerdictRule[],
  { ip }: IpFamily,
  otherwise: "drop" | "return" | VerdictChain,
): VerdictChain {
  const last = typeof otherwise === "string" ? nft`${otherwise}` : nft`goto ${otherwise.name}`;
  const wordOf = { accept: nft`return`, deny: nft`drop`, pass: last } as const;
  const groups = new Map<string, PeerGroup>();
  const blocks = new Map<string, AddressBlocks>();
  const side = direction === "ingress" ? nft`saddr` : nft`daddr`;
  const rules = verdicts.map(({ action, peer, port }) => {
    const conditions: NftText[] = [];
    if (peer !== undefined && "group" in peer) {
      const set = groupSetName(peer.group);
      groups.set(set, peer.group);
      conditions.push(nft`${ip} ${side} @${set}`);
    } else if (peer !== undefined) {
      const set = addressBlocks(peer.addresses);
      blocks.set(set.name, set);
      conditions.push(nft`${ip} ${side} @${set.name}`);
    }
    if (port !== undefined && "named" in port) {
      const set = groupSetName(port.named);
      groups.set(set, port.named);
      conditions.push(nft`meta l4proto ${port.protocol} ${ip} ${side} . th dport @${set}`);
    } else if (port?.ranges.some(({ first, last }) => first === allPorts.first && last === allPorts.last))
      conditions.push(nft`meta l4proto ${port.protocol}`);
    else if (port !== undefined)
      conditions.push(nft`${port.protocol} dport { ${nftList(port.ranges.map(portText))} }`);
    return conditions.reduceRight((rest, condition) => nft`${condition} ${rest}`, wordOf[action]);
  });
  const all = [...rules, last];
  return {
    name: `${direction}-${digest(all.map(({ text }) => text).join("\n"))}`,
    rules: all,
    groups: [...groups.values()],
    blocks: [...blocks.values()],
    ...(typeof otherwise !== "string" && { next: otherwise }),
  };
}

export function groupSetName({ namespaces, pods, port }: PeerGroup): string {
  return `${port === undefined ? "peers" : "ports"}-${digest(JSON.stringify([namespaces, pods, port]))}`;
}

function addressBlocks(addresses: readonly AddressSpan[]): AddressBlocks {
  const elements = addresses.map(({ first, last }) =>
    first === last ? nft`${first}` : nft`${first}-${last}`,
  );
  return { name: `blocks-${digest(elements.map(({ text }) => text).join())}`, elements };
}

function portText({ first, last }: NumberRange): NftText {
  return first === last ? nft`${first}` : nft`${first}-${last}`;
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 20);
}
