import { setTimeout as sleep } from "node:timers/promises";
import { ApiException, type CoordinationV1Api, type V1Lease, V1MicroTime } from "@kubernetes/client-node";
import { messageOf } from "./work-queue.ts";

export interface Candidate {
  readonly client: CoordinationV1Api;
  readonly namespace: string;
  readonly name: string;
  readonly identity: string;
  /** Others take over this long after the last renewal that they saw. Only local clocks count, so that they may disagree. */
  readonly leaseSeconds: number;
}

/** Waits to be the leader, works, and gives the lease back. Resolves when the signal says to stop; rejects when the lease
 *  was lost – then the process should end, as it cannot know what it still does. */
export async function lead(
  candidate: Candidate,
  work: (signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const retryMs = (candidate.leaseSeconds * 1000) / 6;
  const renewWithinMs = (candidate.leaseSeconds * 1000 * 2) / 3;
  let seen: { readonly resourceVersion: string | undefined; readonly atMs: number } | undefined;

  while (!signal.aborted) {
    const lease = await tried(() => read(candidate));
    if (lease !== undefined && lease?.metadata?.resourceVersion !== seen?.resourceVersion)
      seen = { resourceVersion: lease?.metadata?.resourceVersion, atMs: performance.now() };
    const askedMs = performance.now();
    if (lease !== undefined && isFree(lease, candidate, seen?.atMs ?? askedMs)) {
      if ((await tried(() => claim(candidate, lease))) !== undefined) {
        await leadFrom(askedMs);
        return;
      }
    }
    await pause(retryMs, signal);
  }

  async function leadFrom(claimedMs: number): Promise<void> {
    console.log(`${candidate.identity} leads`);
    const ended = new AbortController();
    const working = work(AbortSignal.any([signal, ended.signal]));
    let renewedMs = claimedMs;
    while (!signal.aborted && performance.now() - renewedMs < renewWithinMs) {
      await pause(retryMs, signal);
      const askedMs = performance.now();
      const lease = await tried(() => read(candidate));
      if (lease === undefined) continue;
      if (lease?.spec?.holderIdentity !== candidate.identity) break;
      if ((await tried(() => claim(candidate, lease))) !== undefined) renewedMs = askedMs;
    }
    ended.abort();
    await working;
    if (!signal.aborted) throw new Error(`${candidate.identity} leads no more`);
    await tried(() => release(candidate));
  }
}

function isFree(lease: V1Lease | null, { identity, leaseSeconds }: Candidate, seenMs: number): boolean {
  const holder = lease?.spec?.holderIdentity;
  if (lease === null || holder === undefined || holder === "" || holder === identity) return true;
  return performance.now() - seenMs > (lease.spec?.leaseDurationSeconds ?? leaseSeconds) * 1000;
}

/** Null: there is none. */
async function read({ client, namespace, name }: Candidate): Promise<V1Lease | null> {
  try {
    return await client.readNamespacedLease({ namespace, name });
  } catch (error) {
    if (error instanceof ApiException && error.code === 404) return null;
    throw error;
  }
}

/** Writes over exactly the lease that was read: of two that claim it, one gets a conflict. */
function claim(
  { client, namespace, name, identity, leaseSeconds }: Candidate,
  lease: V1Lease | null,
): Promise<V1Lease> {
  const now = new V1MicroTime();
  const held = lease?.spec?.holderIdentity === identity;
  const spec = {
    holderIdentity: identity,
    leaseDurationSeconds: leaseSeconds,
    acquireTime: (held ? lease?.spec?.acquireTime : undefined) ?? now,
    renewTime: now,
    leaseTransitions: (lease?.spec?.leaseTransitions ?? 0) + (held || lease === null ? 0 : 1),
  };
  return lease === null
    ? client.createNamespacedLease({ namespace, body: { metadata: { name, namespace }, spec } })
    : client.replaceNamespacedLease({ namespace, name, body: { ...lease, spec } });
}

async function release(candidate: Candidate): Promise<void> {
  const lease = await read(candidate);
  if (lease?.spec?.holderIdentity !== candidate.identity) return;
  const { client, namespace, name } = candidate;
  await client.replaceNamespacedLease({
    namespace,
    name,
    body: { ...lease, spec: { ...lease.spec, holderIdentity: "", leaseDurationSeconds: 1 } },
  });
}

/** Undefined where it failed, which is told: the API may be away for a while. */
async function tried<T>(attempt: () => Promise<T>): Promise<T | undefined> {
  try {
    return await attempt();
  } catch (error) {
    console.error(`leader election: ${messageOf(error)}`);
    return undefined;
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined); // aborted: whoever waits looks at the signal next
}
