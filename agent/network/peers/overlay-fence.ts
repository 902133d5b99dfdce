import type { IpFamily } from "../ip-family.ts";
import type { Ruleset } from "../nft-ruleset.ts";
import { nft } from "../nft-text.ts";
import { overlayPort } from "./overlay-link.ts";
import type { PeerPlan } from "./plan-peers.ts";
import { overlayLink } from "./route-changes.ts";

/** Lets in by the overlay what other nodes send, and of that only what comes from where the overlay leads: who can send
 *  packets to this machine is not to speak as a pod. The overlay itself goes between IPv4 addresses. Pure. */
export function overlayFence({ peers }: PeerPlan, { ip, addressType, version }: IpFamily): Ruleset {
  const ends = peers.flatMap(({ nodeIp, overlay }) => (overlay === undefined ? [] : [nodeIp]));
  const elements = version === 6 ? [] : [...new Set(ends)].map((end) => nft`${end}`);
  return {
    maps: {},
    sets: { peers: { definition: nft`type ${addressType};`, elements } },
    chains: {
      input: {
        hook: nft`type filter hook input priority -10;`,
        rules: [nft`udp dport ${overlayPort} ${ip} saddr != @peers counter drop`],
      },
      prerouting: {
        hook: nft`type filter hook prerouting priority -310;`,
        rules: [nft`iifname ${overlayLink} fib saddr . iif oif missing counter drop`],
      },
    },
  };
}
