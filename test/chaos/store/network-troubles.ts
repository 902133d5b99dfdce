import { setTimeout as sleep } from "node:timers/promises";
import { below, type Random } from "../../../base/os/random.ts";
import type { Link, MemberNetwork } from "./member-network.ts";
import type { StoreCluster } from "./store-cluster.ts";
import { anyMember, MissingHereError, type Trouble } from "./trouble.ts";

const everybody = [0, 1, 2] as const;
const othersOf = (member: number): readonly number[] => everybody.filter((one) => one !== member);

/** What can be wrong between members; clients still reach all of them. */
export const networkTroubles: Readonly<Record<string, Trouble>> = {
  "cut off the leader": (cluster, random) =>
    during(cluster, random, async (network) => cutOff(network, await cluster.leader())),
  "cut off one": (cluster, random) =>
    during(cluster, random, (network) => cutOff(network, anyMember(random))),
  "deafen one": (cluster, random) =>
    during(cluster, random, (network) => {
      const member = anyMember(random);
      network.cut(member, othersOf(member));
    }),
  "cut one link": (cluster, random) =>
    during(cluster, random, (network) => {
      const [one, other] = othersOf(anyMember(random)) as [number, number];
      network.cut(one, [other]);
      network.cut(other, [one]);
    }),
  "cut all apart": (cluster, random) =>
    during(cluster, random, (network) => {
      for (const member of everybody) network.cut(member, othersOf(member));
    }),
  "lose packets": (cluster, random) =>
    during(cluster, random, (network) => {
      for (const member of everybody) network.lose(member, 1 + below(random, 20));
    }),
  "delay what one sends": (cluster, random) => impaired(cluster, random, "slow"),
  "narrow the link of one": (cluster, random) => impaired(cluster, random, "narrow"),
};

async function during(
  { network }: StoreCluster,
  random: Random,
  make: (network: MemberNetwork) => void | Promise<void>,
): Promise<void> {
  if (network === undefined) throw new MissingHereError("network namespaces");
  try {
    await make(network);
    await sleep(1_000 + below(random, 6_000));
  } finally {
    network.mend();
  }
}

function cutOff(network: MemberNetwork, member: number): void {
  network.cut(member, othersOf(member));
  for (const other of othersOf(member)) network.cut(other, [member]);
}

async function impaired({ network }: StoreCluster, random: Random, link: Link): Promise<void> {
  if (!network?.impair(anyMember(random), link)) throw new MissingHereError(`discipline for a ${link} link`);
  await sleep(1_000 + below(random, 6_000));
  network.mend();
}
