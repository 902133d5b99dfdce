import type { CallOptions, Keyspace, LeaseLike, UpdateResult } from "./api.ts";
import type { Key } from "./places.ts";

/** Reads, changes, and writes if nobody wrote meanwhile; else all over again. */
export async function updated<V>(
  keyspace: Keyspace<V>,
  update: CallOptions & {
    readonly key: Key;
    readonly change: (value: V | undefined) => V | undefined | Promise<V | undefined>;
    readonly lease?: LeaseLike | undefined;
  },
): Promise<UpdateResult<V>> {
  const { key, change, lease, ...call } = update;
  const page = await keyspace.range(key, call);
  let [found] = page.entries;
  let { revision } = page;
  for (;;) {
    const value = await change(found?.value);
    if (value === undefined) return { value: found?.value, changed: false, revision };
    call.signal?.throwIfAborted();
    const written = await keyspace
      .txn()
      .if({ key, modRevision: found?.modRevision ?? 0 })
      .do({ put: key, value, lease })
      .else({ get: key })
      .commit(call);
    revision = written.revision;
    if (written.succeeded) return { value, changed: true, revision };
    [found] = written.results as unknown as [typeof found];
  }
}
