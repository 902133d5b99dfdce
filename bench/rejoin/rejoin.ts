import { putRequest } from "../../proto/etcd.ts";
import { askMember } from "../gateway.ts";
import { drive } from "../generator/drive.ts";
import { RequestTemplate } from "../generator/request-template.ts";
import { leaderAndRest, type Status } from "../leader.ts";
import type { Side } from "../peers.ts";
import { put, putLoad } from "../requests.ts";
import { until } from "../until.ts";

/** What there is to send to a member that has nothing. */
const filledValueBytes = 4096;
const filledKeys = 50_000_000;
const clients = 100;
const windowSeconds = 1;
const rejoinedWithinMs = 600_000;

export interface Rejoined {
  /** Puts a second, of all members together and while one came back, by the second. */
  readonly beforePerSecond: number;
  readonly windowsPerSecond: readonly number[];
  /** From the start of the empty member until it had applied all that was written when it was asked. */
  readonly seconds: number;
  readonly failures: number;
}

/** Writes so much that no member holds its log of it any more. */
export async function fill(side: Side, megabytes: number): Promise<void> {
  const value = new Uint8Array(filledValueBytes).fill(120);
  const job = {
    path: put,
    template: new RequestTemplate((key) => putRequest.encode({ key, value })),
    keyNumber: (n: number) => filledKeys + n,
    clients: 50,
    connections: 10,
  };
  const requests = Math.ceil((megabytes * 2 ** 20) / filledValueBytes);
  const { failures, firstFailure } = await drive(job, side.endpoints, { requests });
  if (failures > 0) throw new Error(`${side.name} did not take all: ${firstFailure}`);
}

/** A follower loses all that it had, and comes back while clients write values of so many bytes through the other members. */
export async function rejoin(
  side: Side,
  { beforeSeconds, valueBytes }: { readonly beforeSeconds: number; readonly valueBytes: number },
): Promise<Rejoined> {
  const load = putLoad(clients, [], valueBytes);
  const [leader = 0, other = 0, lost = 0] = await leaderAndRest(side);
  const asked = [leader, other].map((member) => side.endpoints[member] ?? "");
  // Code is compiled while it runs first.
  await drive(load, asked, { seconds: beforeSeconds });
  const before = await drive(load, asked, { seconds: beforeSeconds });
  await side.kill([lost]);
  await exchange(side, { leader, lost });
  side.startEmpty(lost);
  const startedMs = performance.now();
  let isBack = false;
  const back = untilCaughtUp(side, { leader, lost }).then(() => {
    isBack = true;
    return (performance.now() - startedMs) / 1000;
  });
  const windows: number[] = [];
  let failures = 0;
  do {
    const result = await drive(load, asked, { seconds: windowSeconds });
    windows.push(result.perSecond);
    failures += result.failures;
  } while (!isBack);
  return {
    beforePerSecond: before.perSecond,
    windowsPerSecond: windows,
    seconds: await back,
    failures,
  };
}

interface Places {
  readonly leader: number;
  readonly lost: number;
}

async function exchange(side: Side, { leader, lost }: Places): Promise<void> {
  const { members } = (await askMember(side, leader, "cluster/member/list", {})) as {
    readonly members: readonly { readonly ID: string; readonly peerURLs: readonly string[] }[];
  };
  const peerUrl = side.peerUrls[lost] ?? "";
  const known = members.find(({ peerURLs }) => peerURLs.includes(peerUrl));
  if (known === undefined) throw new Error(`${side.name} does not know ${peerUrl}`);
  await askMember(side, leader, "cluster/member/remove", { ID: known.ID });
  await askMember(side, leader, "cluster/member/add", { peerURLs: [peerUrl] });
}

async function untilCaughtUp(side: Side, { leader, lost }: Places): Promise<void> {
  const revisionOf = async (member: number) =>
    Number(((await askMember(side, member, "maintenance/status", {})) as Status).header.revision);
  await until(
    async () => {
      const written = await revisionOf(leader);
      const applied = await revisionOf(lost);
      // What was written while it was asked is still on its way.
      if (applied < written - 1000) throw new Error(`the member is at revision ${applied} of ${written}`);
    },
    { everyMs: 50, withinMs: rejoinedWithinMs },
  );
}
