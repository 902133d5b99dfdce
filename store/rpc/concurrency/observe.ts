import { type LeaderResponse, leaderRequest, leaderResponse } from "../../../proto/election.ts";
import { methods } from "../../../proto/etcd-methods.ts";
import type { Call, Handlers, Incoming, Outgoing } from "../handler.ts";
import { OwnCalls } from "./own-calls.ts";
import { firstUnder, prefixOf, under } from "./session.ts";

/** Streams who leads: each new value of the leader's, and each new leader. */
export function observe(out: Outgoing, call: Call, handlers: Handlers): Incoming {
  const leaving = new AbortController();
  const { requireLeader, token, certificateName } = call;
  const calls = new OwnCalls(handlers, { requireLeader, token, certificateName, signal: leaving.signal });
  return {
    message(bytes) {
      const { name } = leaderRequest.decode(bytes);
      // Like etcd's it ends in good order when something fails: the client asks anew.
      follow(prefixOf(name), out, calls).catch(() => out.end());
    },
    halfClose: () => undefined,
    drained: () => undefined,
    closed: () => leaving.abort(),
  };
}

/** Rejects once something fails, or nobody listens. */
async function follow(prefix: Uint8Array, out: Outgoing, calls: OwnCalls): Promise<never> {
  const tell = (response: LeaderResponse) => out.send(leaderResponse.encode(response));
  for (;;) {
    calls.signal?.throwIfAborted();
    const { header, kv } = await leaderUnder(prefix, calls);
    tell({ header, kv });
    if (kv === undefined || header === undefined) continue;
    const { key } = kv;
    await calls.watch({ key, startRevision: header.revision + 1 }, ({ header, events }) => {
      for (const { type, kv } of events) {
        if (type === "DELETE") return true;
        tell({ header, kv });
      }
      return false;
    });
  }
}

/** Who leads now, or else the next to come. */
async function leaderUnder(prefix: Uint8Array, calls: OwnCalls): Promise<LeaderResponse> {
  const { header, kvs } = await calls.ask(methods.range, firstUnder(prefix));
  if (kvs[0] !== undefined) return { header, kv: kvs[0] };
  let found: LeaderResponse = { header, kv: undefined };
  const startRevision = header?.revision ?? 0;
  await calls.watch({ ...under(prefix), startRevision }, (answer) => {
    const put = answer.events.find(({ type }) => type === "PUT");
    if (put?.kv === undefined || answer.header === undefined) return false;
    found = { header: { ...answer.header, revision: put.kv.modRevision }, kv: put.kv };
    return true;
  });
  return found;
}
