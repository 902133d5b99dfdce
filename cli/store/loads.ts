import { text, utf8 } from "../../base/wire.ts";
import { prefixEnd } from "../../store/client/keys.ts";
import type { StoreClient } from "../../store/client/store-client.ts";
import { opPut } from "../../store/client/txn.ts";
import type { Watcher } from "../../store/client/watcher.ts";
import type { Stopwatch } from "./figures.ts";

export interface LoadPlan {
  readonly total: number;
  /** So many requests are under way at once. */
  readonly clients: number;
  readonly keyBytes: number;
  readonly valueBytes: number;
  /** Keys that are written in turn. */
  readonly keys: number;
  readonly txnOps: number;
  readonly watchers: number;
  readonly serializable: boolean;
  readonly signal: AbortSignal;
}

/** Keys that begin so are the load's own. */
export const benchPrefix = "/pintle-bench/";
/** Written last: whoever is told of it has been told of everything. */
const endKey = `${benchPrefix}end`;

type Load = (clients: readonly StoreClient[], plan: LoadPlan, watch: Stopwatch) => Promise<void>;

export const loads = { put, range, txn, watch } as const satisfies Record<string, Load>;

async function put(clients: readonly StoreClient[], plan: LoadPlan, stopwatch: Stopwatch): Promise<void> {
  const value = Buffer.alloc(plan.valueBytes, "v");
  await many(clients, plan, stopwatch, (client, at) => client.put(keyOf(at, plan), value));
}

async function range(clients: readonly StoreClient[], plan: LoadPlan, stopwatch: Stopwatch): Promise<void> {
  const value = Buffer.alloc(plan.valueBytes, "v");
  const [first] = clients;
  for (let at = 0; at < plan.keys && !plan.signal.aborted; at++) await first?.put(keyOf(at, plan), value);
  const { serializable } = plan;
  await many(clients, plan, stopwatch, (client, at) => client.range(keyOf(at, plan), { serializable }));
}

async function txn(clients: readonly StoreClient[], plan: LoadPlan, stopwatch: Stopwatch): Promise<void> {
  const value = Buffer.alloc(plan.valueBytes, "v");
  await many(clients, plan, stopwatch, (client, at) => {
    const success = Array.from({ length: plan.txnOps }, (_, op) => opPut(`${keyOf(at, plan)}/${op}`, value));
    return client.txn({ success });
  });
}

/** The time from a put's start until a watcher is told of it; one time for each watcher. */
async function watch(clients: readonly StoreClient[], plan: LoadPlan, stopwatch: Stopwatch): Promise<void> {
  const startedMs: number[] = [];
  const key = utf8(benchPrefix);
  const watchers = Array.from({ length: plan.watchers }, (_, at) =>
    clientOf(clients, at).watch({ key, rangeEnd: prefixEnd(key), signal: plan.signal }),
  );
  const hear = async (watcher: Watcher) => {
    for await (const batch of watcher) {
      if (batch.kind !== "events") continue;
      const nowMs = performance.now();
      for (const { kv } of batch.events) {
        if (kv === undefined) continue;
        if (text(kv.key) === endKey) return;
        stopwatch.took(nowMs - (startedMs[Number(text(kv.value))] ?? nowMs));
      }
    }
  };
  for (const watcher of watchers) await watcher.next(); // its first message: the member watches
  const hearing = watchers.map(hear);
  const puts = { took: () => undefined, errors: 0 };
  await many(clients, plan, puts, (client, at) => {
    startedMs[at] = performance.now();
    return client.put(keyOf(at, plan), String(at));
  });
  stopwatch.errors += puts.errors;
  await clientOf(clients, 0).put(endKey, "");
  await Promise.all(hearing);
}

/** Does it `total` times, `clients` at once, each with one of the connections. */
async function many(
  clients: readonly StoreClient[],
  { total, clients: workers, signal }: LoadPlan,
  stopwatch: Pick<Stopwatch, "took" | "errors">,
  one: (client: StoreClient, at: number) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  const work = async (worker: number) => {
    const client = clientOf(clients, worker);
    while (next < total && !signal.aborted) {
      const at = next++;
      const startMs = performance.now();
      try {
        await one(client, at);
        stopwatch.took(performance.now() - startMs);
      } catch (error) {
        if (!(error instanceof Error) || error.name !== "CallError") throw error;
        stopwatch.errors++;
      }
    }
  };
  await Promise.all(Array.from({ length: workers }, (_, worker) => work(worker)));
}

function clientOf(clients: readonly StoreClient[], at: number): StoreClient {
  const client = clients[at % clients.length];
  if (client === undefined) throw new TypeError("a load needs a client");
  return client;
}

function keyOf(at: number, { keys, keyBytes }: LoadPlan): string {
  return benchPrefix + String(at % keys).padStart(Math.max(0, keyBytes - benchPrefix.length), "0");
}
