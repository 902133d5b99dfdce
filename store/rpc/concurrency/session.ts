import { utf8 } from "../../../base/wire.ts";
import type { RangeRequest } from "../../../proto/etcd.ts";
import { methods } from "../../../proto/etcd-methods.ts";
import type { KeyValue } from "../../../proto/mvcc.ts";
import type { OwnCalls } from "./own-calls.ts";

/** Seconds of a lease that is made for who brings none; nobody renews it, as in etcd. */
const leaseSeconds = 60;

/** The lease that a client brought, or a new one. */
export async function leaseOf(given: bigint, calls: OwnCalls): Promise<bigint> {
  if (given !== 0n) return given;
  return (await calls.ask(methods.leaseGrant, { ttl: leaseSeconds })).id;
}

/** Under it stand the keys of all who want the same lock or office, one each. */
export const prefixOf = (name: Uint8Array): Uint8Array => Buffer.concat([name, utf8("/")]);

/** The key of one of them, by its lease in hexadecimal. */
export function keyOf(name: Uint8Array, lease: bigint): Uint8Array {
  const hex = lease < 0n ? `-${(-lease).toString(16)}` : lease.toString(16);
  return Buffer.concat([prefixOf(name), utf8(hex)]);
}

/** All keys under a prefix, which ends with a slash. */
export function under(prefix: Uint8Array): Pick<RangeRequest, "key" | "rangeEnd"> {
  const rangeEnd = Uint8Array.from(prefix);
  rangeEnd[rangeEnd.length - 1] = "/".charCodeAt(0) + 1;
  return { key: prefix, rangeEnd };
}

/** The one under a prefix that came first has the lock, or leads. */
export const firstUnder = (prefix: Uint8Array) =>
  ({ ...under(prefix), limit: 1, sortOrder: "ASCEND", sortTarget: "CREATE" }) as const;

/** Resolves when nobody under the prefix came at or before `revision` any more. Rejects with the reason once nobody waits. */
export async function untilFirst(prefix: Uint8Array, revision: number, calls: OwnCalls): Promise<void> {
  const before = { ...firstUnder(prefix), sortOrder: "DESCEND", maxCreateRevision: revision } as const;
  for (;;) {
    calls.signal?.throwIfAborted();
    const { header, kvs } = await calls.ask(methods.range, before);
    const [last] = kvs;
    if (last === undefined) return;
    await untilDeleted(last, header?.revision ?? 0, calls);
  }
}

function untilDeleted({ key }: KeyValue, startRevision: number, calls: OwnCalls): Promise<void> {
  return calls.watch({ key, startRevision }, ({ events }) => events.some(({ type }) => type === "DELETE"));
}
