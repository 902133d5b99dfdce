import { type NftText, nft } from "./nft-text.ts";
import { runProgram } from "./programs.ts";

/** Lets pods send frames to their bridge alone, not past the node to a neighbour on it, be it by IPv6 addresses that every link
 *  has: rules of the node would never see those. Before the kernel's own filter of bridged packets, which sends translated ones
 *  on to a neighbour. Nor are pods told of that shorter way, as IPv6's routers cannot be told not to. */
export async function fenceBridge(hardwareAddress: string): Promise<void> {
  const table = nft`bridge pintle-pods`;
  const lines = [
    nft`add table ${table}`,
    nft`delete table ${table}`,
    nft`add table ${table}`,
    nft`add chain ${table} fence { type filter hook prerouting priority -300; }`,
    nft`add rule ${table} fence iifname "pp*" ether type != arp ether daddr != ${addressText(hardwareAddress)} drop`,
    nft`add chain ${table} redirects { type filter hook output priority -300; }`,
    nft`add rule ${table} redirects oifname "pp*" icmpv6 type nd-redirect drop`,
  ];
  await runProgram("nft", ["-f", "-"], lines.map(({ text }) => `${text}\n`).join(""));
}

function addressText(hardwareAddress: string): NftText {
  return hardwareAddress
    .split(":")
    .map((byte) => nft`${byte}`)
    .reduce((text, byte) => nft`${text}:${byte}`);
}
