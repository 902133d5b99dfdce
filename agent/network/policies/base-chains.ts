import type { IpFamily } from "../ip-family.ts";
import type { Chain } from "../nft-ruleset.ts";
import { type NftText, nft } from "../nft-text.ts";

/** The chains that packets enter by. Pure. */

/** Pairs of one address: no network policy keeps anybody from itself, be it through a Service. */
export const ownSet = "own";

/** Where an egress chain returns, the other pod's ingress is still to be asked. What was let through once goes on. */
export const baseChains = ({ ip }: IpFamily): Readonly<Record<string, Chain>> => ({
  forward: {
    hook: nft`type filter hook forward priority 0;`,
    rules: [
      nft`ct state established,related accept`,
      nft`${ip} saddr . ${ip} daddr @own goto self`,
      nft`${ip} saddr vmap @egress`,
      nft`${ip} daddr vmap @ingress`,
    ],
  },
  self: { rules: [nft`${ip} saddr vmap @own-egress`, nft`${ip} daddr vmap @own-ingress`] },
});

export const ownNodeChainName = "own-node";

/** What pods send to their own node is not forwarded: those who may keep it from them are policies of the whole cluster, and it is
 *  looked at while there are any. Pods find their node, and the node answers them their names, in any case. */
export function ownNodeChain({ version, ip }: IpFamily, dnsAddress: string | undefined): Chain {
  const names: readonly NftText[] =
    dnsAddress === undefined
      ? []
      : [nft`${ip} daddr ${dnsAddress} meta l4proto { tcp, udp } th dport 53 accept`];
  const neighbours: readonly NftText[] =
    version === 4 ? [] : [nft`icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept`];
  return {
    hook: nft`type filter hook input priority 0;`,
    rules: [
      nft`ct state established,related accept`,
      ...names,
      ...neighbours,
      nft`${ip} saddr vmap @own-egress`,
    ],
  };
}
