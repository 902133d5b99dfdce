import { familyBits, familyNames } from "../../base/ip-range.ts";
import { type NftText, nft } from "./nft-text.ts";

/** What the kernel and its tools call the same thing in each family. A table has one design for both: its text is made with these
 *  words, once for each family that the node has. */
export interface IpFamily {
  readonly version: 4 | 6;
  readonly name: "IPv4" | "IPv6";
  /** Of nftables' tables, and of a packet's head. */
  readonly ip: NftText;
  readonly addressType: NftText;
  /** Of an element of a set. */
  readonly addressField: "address4" | "address6";
  readonly loopback: string;
  readonly unreachable: NftText;
  readonly conntrack: "ipv4" | "ipv6";
  /** Bits of a range that is one address. */
  readonly wholeBits: number;
}

const ipv4: IpFamily = {
  version: 4,
  name: familyNames[4],
  ip: nft`ip`,
  addressType: nft`ipv4_addr`,
  addressField: "address4",
  loopback: "127.0.0.0/8",
  unreachable: nft`icmp type port-unreachable`,
  conntrack: "ipv4",
  wholeBits: familyBits[4],
};

const ipv6: IpFamily = {
  version: 6,
  name: familyNames[6],
  ip: nft`ip6`,
  addressType: nft`ipv6_addr`,
  addressField: "address6",
  loopback: "::1/128",
  unreachable: nft`icmpv6 type port-unreachable`,
  conntrack: "ipv6",
  wholeBits: familyBits[6],
};

export const ipFamilies = { 4: ipv4, 6: ipv6 } as const;

/** Where address translation is to send to. */
export function placeText({ version }: IpFamily, address: string, port: number): NftText {
  return version === 4 ? nft`${address}:${port}` : nft`[${address}]:${port}`;
}
