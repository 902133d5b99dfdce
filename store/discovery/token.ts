import { type BackoffOptions, backoffMs } from "../../base/backoff.ts";
import { type Clock, sleep } from "../../base/os/clock.ts";
import type { Log } from "../../base/os/log.ts";
import type { Random } from "../../base/os/random.ts";
import { text, utf8 } from "../../base/wire.ts";
import type { KeyValue } from "../../proto/mvcc.ts";
import { prefixEnd } from "../client/keys.ts";
import type { StoreClient } from "../client/store-client.ts";
import type { MemberId } from "../raft/types.ts";

/** The discovery service says that this member cannot be of the cluster. */
export class DiscoveryError extends Error {
  override readonly name = "DiscoveryError";
  readonly operator = true;
}

export interface Registration {
  readonly token: string;
  readonly memberId: MemberId;
  /** `name=url,name=url` */
  readonly self: string;
}

interface Registered {
  readonly size: number;
  readonly members: readonly KeyValue[];
  readonly revision: number;
}

const retryWait: BackoffOptions = { firstMs: 2_000, mostMs: 256_000 };
const inOrder = (a: KeyValue, b: KeyValue) => a.createRevision - b.createRevision;

/** Enters a member of a new cluster at the discovery service, and waits for the others. Answers `name=url` of the cluster's first
 *  members, in the order in which they came. Rejects with a DiscoveryError where it is not one of them, and with the signal's
 *  reason; a service that does not answer is asked again for as long as it takes. */
export async function discoverByToken(
  { token, memberId, self }: Registration,
  parts: {
    readonly client: StoreClient;
    readonly clock: Clock;
    readonly random: Random;
    readonly log: Log;
    readonly signal: AbortSignal;
  },
): Promise<readonly string[]> {
  const { client, log, signal } = parts;
  const folder = `/_etcd/registry/${token}`;
  const members = utf8(`${folder}/members`);
  const rangeEnd = prefixEnd(members);
  const key = `${folder}/members/${memberId.toString(16)}`;
  const registered = async (): Promise<Registered> => {
    const { kv } = await client.get(utf8(`${folder}/_config/size`), { signal });
    if (kv === undefined) throw new DiscoveryError("discovery: size key not found");
    const size = Number(text(kv.value));
    if (!Number.isSafeInteger(size) || size <= 0) throw new DiscoveryError("discovery: size key is bad");
    const { kvs, revision } = await client.range(members, { rangeEnd, signal });
    const found = kvs.filter(isMember).sort(inOrder);
    const isFull = !found.slice(0, size).some((one) => text(one.key) === key) && found.length >= size;
    if (isFull) throw new DiscoveryError("discovery: cluster is full");
    return { size, members: found, revision };
  };
  await insisting("cluster status check", registered, parts);
  await insisting("register member itself", () => client.put(utf8(key), utf8(self), { signal }), parts);
  log.info("register member itself successfully", { memberKey: key, memberInfo: self });
  const { size, revision, ...seen } = await insisting("cluster status check", registered, parts);
  const all = new Map(seen.members.map((one) => [text(one.key), one]));
  if (all.size < size) {
    log.info("waiting for peers from discovery service", { clusterSize: size, "found-peers": all.size });
    const watcher = client.watch({ key: members, rangeEnd, startRevision: revision + 1, signal });
    for await (const batch of watcher) {
      for (const { kv } of batch.kind === "events" ? batch.events : [])
        if (kv !== undefined && isMember(kv) && !all.has(text(kv.key))) all.set(text(kv.key), kv);
      if (all.size >= size) break;
    }
    signal.throwIfAborted();
  }
  const first = [...all.values()].sort(inOrder).slice(0, size);
  log.info("found all needed peers from discovery service", { clusterSize: size, "found-peers": all.size });
  return first.flatMap(({ value }) => text(value).trim().split(","));
}

const isMember = ({ value }: KeyValue): boolean => text(value).includes("=");

/** What the service itself says is final. */
async function insisting<T>(
  step: string,
  ask: () => Promise<T>,
  { clock, random, log, signal }: Parameters<typeof discoverByToken>[1],
): Promise<T> {
  for (let failures = 1; ; failures++) {
    try {
      return await ask();
    } catch (error) {
      if (signal.aborted || error instanceof DiscoveryError) throw error;
      const waitMs = backoffMs(retryWait, failures, random);
      log.warn("retry connecting to discovery service", { reason: step, backoffMs: waitMs, error });
      await sleep(clock, waitMs, signal);
    }
  }
}
