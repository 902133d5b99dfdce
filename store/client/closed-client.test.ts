import { deepStrictEqual, rejects } from "node:assert/strict";
import { openEmbedded } from "../embedded/embedded-store.ts";
import { openStore } from "../embedded/open-store.ts";
import type { CallError } from "./call-error.ts";
import { connect } from "./connect.ts";
import type { Keyspace } from "./keyspace/api.ts";
import { text } from "./keyspace/codec.ts";
import { OpenKeyspace } from "./keyspace/keyspace.ts";
import { KeyFolder } from "./keyspace/places.ts";

/** So long that a call which is tried again never ends. */
const timeoutMs = 3_600_000;

describe("what is asked of a client that is closed", () => {
  const openings = {
    "a store in this process": () => openStore({ timeoutMs }),
    "a client of one behind a socket": async () => {
      const server = await openStore({ listen: "http://127.0.0.1:0" });
      const client = connect({ endpoints: server.urls, timeoutMs });
      const closeClient = client.close;
      const close = async () => {
        await closeClient();
        await server.close();
      };
      return Object.assign(client, { close });
    },
  };
  for (const [what, open] of Object.entries(openings))
    it(`fails at once, as does what is under way: ${what}`, async () => {
      const store = await open();
      await store.put("a", "1");
      const lock = await store.lock("l");
      const waiting = failure(store.lock("l"));
      const lease = await store.lease(60);
      const reading = failure(store.get("a"));
      await store.close();
      deepStrictEqual([(await reading)?.status, (await waiting) instanceof Error], ["UNAVAILABLE", true]);
      const calls: Record<string, (keys: Keyspace<string>) => Promise<unknown>> = {
        get: (keys) => keys.get("a"),
        put: (keys) => keys.put("a", "2"),
        txn: (keys) => keys.txn().commit(),
        entries: (keys) => keys.entries({ prefix: "" }).next(),
        lock: (keys) => keys.lock("m"),
        renew: () => lease.renew(),
        release: () => lock.release(),
        watch: async (keys) => keys.watch("a"),
      };
      for (const [name, call] of Object.entries(calls))
        await rejects(call(store), { name: "CallError", status: "UNAVAILABLE", sent: false }, name);
    });
});

describe("a store that fails", () => {
  it("ends watches with an error and all else at once, with what it failed of", async () => {
    const store = await openEmbedded({ timeoutMs });
    const { clock, random, client } = store;
    try {
      const keys = new OpenKeyspace({ client, clock, random }, new KeyFolder(""), text);
      const watch = keys.watch("a");
      await watch.started;
      const told = watch[Symbol.asyncIterator]().next();
      client.fail("the store has failed: no disk");
      const failed = { name: "CallError", status: "UNAVAILABLE", message: "the store has failed: no disk" };
      await rejects(told, failed);
      await rejects(keys.get("a"), failed);
    } finally {
      await store.close();
    }
  });
});

/** Why it failed; undefined: it was answered. */
function failure(call: Promise<unknown>): Promise<CallError | undefined> {
  return call.then(
    () => undefined,
    (error: CallError) => error,
  );
}
