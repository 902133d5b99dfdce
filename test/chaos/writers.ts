import { readFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../base/os/clock.ts";
import { systemRandom } from "../../base/os/random.ts";
import { latin1, text, utf8 } from "../../base/wire.ts";
import { openStoreClient } from "../../store/client/open-client.ts";
import type { LocalCluster } from "../local-cluster.ts";
import type { Acknowledged } from "./checkers.ts";

/** Clients that write to a cluster's store until told to stop, each key once, noting what was acknowledged. */
export interface Writers {
  /** Per client, in order. */
  readonly acknowledged: readonly (readonly Acknowledged[])[];
  /** Answers that were errors: such a write may or may not be there. */
  readonly refused: () => number;
  stop(): Promise<void>;
  /** Everything below the writers' prefix. */
  readAll(): Promise<Map<string, { value: string; modRevision: number }>>;
  close(): void;
}

export function startWriters(cluster: LocalCluster, count: number): Writers {
  const pem = (name: string) => readFileSync(join(cluster.folder, "pki", name), "utf8");
  const endpoints = Object.entries(cluster.state().plan.ports)
    .filter(([name]) => name.startsWith("store-client-"))
    .map(([, port]) => `https://127.0.0.1:${port}`);
  const tls = {
    ca: pem("store-ca.pem"),
    certificate: pem("store-client.pem"),
    key: pem("store-client-key.pem"),
  };
  const client = openStoreClient(
    { endpoints, tls, timeoutMs: 3000 },
    { clock: systemClock, random: systemRandom },
  );
  const acknowledged: Acknowledged[][] = Array.from({ length: count }, () => []);
  let refused = 0;
  let stopping = false;
  const write = async (writer: number) => {
    for (let n = 0; !stopping; n++) {
      const key = `chaos/${writer}/${n}`;
      const value = `${writer}-${n}`;
      try {
        const { revision } = await client.put(utf8(key), utf8(value));
        acknowledged[writer]?.push({ key, value, revision, atMs: performance.now() });
      } catch (error) {
        if (!(error instanceof Error)) throw error;
        refused++; // not acknowledged: the checker makes no claim about this key
      }
    }
  };
  const running = Promise.all(acknowledged.map((_, writer) => write(writer)));
  return {
    acknowledged,
    refused: () => refused,
    async stop() {
      stopping = true;
      await running;
    },
    async readAll() {
      const { kvs } = await client.range(utf8("chaos/"), { rangeEnd: utf8("chaos0") });
      return new Map(
        kvs.map((kv) => [latin1(kv.key), { value: text(kv.value), modRevision: kv.modRevision }]),
      );
    },
    close: () => client.close(),
  };
}
