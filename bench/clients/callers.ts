import { Etcd3 } from "etcd3";
import { connect } from "../../store/client/connect.ts";
import type { Keyspace } from "../../store/client/keyspace/api.ts";

/** What is asked of a client. */
export interface Caller {
  readonly name: string;
  put(key: string, value: string): Promise<unknown>;
  get(key: string): Promise<string | null | undefined>;
  /** Resolves when so many events of the keys with that prefix were told, from a revision on. */
  hear(prefix: string, from: number, events: number): Promise<void>;
  /** The store's revision. */
  revision(): Promise<number>;
  close(): Promise<void>;
}

export const ours = (endpoint: string): Caller => {
  const client = connect(endpoint);
  return { ...keyspaceCaller("pintle/etcd", client), close: () => client.close() };
};

export function keyspaceCaller(name: string, keys: Keyspace<string>): Omit<Caller, "close"> {
  return {
    name,
    put: (key, value) => keys.put(key, value),
    get: async (key) => (await keys.get(key))?.value,
    async hear(prefix, from, events) {
      let heard = 0;
      for await (const batch of keys.watch({ prefix }, { from }).batches()) {
        heard += batch.events.length;
        if (heard >= events) return;
      }
    },
    revision: () => keys.revision(),
  };
}

export const etcd3 = (endpoint: string): Caller => {
  const client = new Etcd3({ hosts: endpoint });
  return {
    name: "etcd3",
    put: (key, value) => client.put(key).value(value).exec(),
    get: (key) => client.get(key).string(),
    async hear(prefix, from, events) {
      const watcher = client.watch().prefix(prefix).startRevision(String(from)).watcher();
      let heard = 0;
      await new Promise<void>((resolve, reject) => {
        watcher.on("error", reject);
        watcher.on("put", () => {
          if (++heard === events) resolve();
        });
      });
      await watcher.cancel();
    },
    revision: async () => Number((await client.get("none").exec()).header.revision),
    close: async () => client.close(),
  };
};
