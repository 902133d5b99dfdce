import { StatusError } from "../../../base/grpc/status.ts";
import { methods } from "../../../proto/etcd-methods.ts";
import type { LockRequest, LockResponse, UnlockRequest, UnlockResponse } from "../../../proto/lock.ts";
import type { OwnCalls } from "./own-calls.ts";
import { firstUnder, keyOf, leaseOf, prefixOf, untilFirst } from "./session.ts";

/** Waits until the lock is this lease's. Who stops waiting leaves nothing behind. */
export async function lock({ name, lease: given }: LockRequest, calls: OwnCalls): Promise<LockResponse> {
  const lease = await leaseOf(given, calls);
  const prefix = prefixOf(name);
  const key = keyOf(name, lease);
  const owner = { requestRange: firstUnder(prefix) };
  const { header, succeeded, responses } = await calls.ask(methods.txn, {
    compare: [{ key, target: "CREATE", result: "EQUAL", createRevision: 0 }],
    success: [{ requestPut: { key, lease } }, owner],
    failure: [{ requestRange: { key } }, owner],
  });
  const [own, first] = responses.map(({ responseRange }) => responseRange?.kvs[0]);
  const since = succeeded ? (header?.revision ?? 0) : (own?.createRevision ?? 0);
  if (first === undefined || first.createRevision === since) return { header, key };
  try {
    await untilFirst(prefix, since - 1, calls);
    calls.signal?.throwIfAborted();
    // The lease may have run out meanwhile, and the key gone with it.
    const held = await calls.ask(methods.range, { key });
    if (held.kvs.length > 0) return { header: held.header, key };
  } catch (error) {
    await calls.ask(methods.deleteRange, { key });
    throw error;
  }
  throw new StatusError("UNKNOWN", "mutex: session is expired");
}

export async function unlock({ key }: UnlockRequest, calls: OwnCalls): Promise<UnlockResponse> {
  const { header } = await calls.ask(methods.deleteRange, { key });
  return { header };
}
