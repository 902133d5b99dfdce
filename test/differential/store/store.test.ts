import assert from "node:assert/strict";
import { Prng } from "../../../base/os/random.ts";
import { type StoreProcesses, startStoreProcesses } from "../../integration/etcd-processes.ts";
import { etcdPeers, ours, type Peer } from "./peers.ts";
import { RawClient, type Told } from "./raw-client.ts";
import { type Asked, methodOf, StoreRequests } from "./requests.ts";
import { settled } from "./version-differences.ts";

const seed = Number(process.env.DIFFERENTIAL_SEED ?? 1);
const requestsCount = 300 * Number(process.env.DIFFERENTIAL_ROUNDS ?? 3);

for (const peer of etcdPeers())
  describe(`the store's answers beside etcd ${peer.minor}'s (seed ${seed})`, function () {
    this.timeout(600_000);
    let stores: readonly StoreProcesses[] = [];
    let clients: readonly RawClient[] = [];
    before(async () => {
      stores = await Promise.all([ours, [peer.program]].map((command) => startStoreProcesses(1, command)));
      clients = stores.map(({ endpoints: [endpoint = ""] }) => new RawClient(endpoint));
    });
    after(async () => {
      for (const client of clients) client.close();
      await Promise.all(stores.map((store) => store.stop()));
    });

    it(`${requestsCount} requests, one after the other`, async () => {
      // Older versions check less, or in another order.
      const requests = new StoreRequests(new Prng(seed), peer.minor === "3.7" ? 0.1 : 0);
      const before: Asked[] = [];
      let revision = 1;
      for (let at = 0; at < requestsCount; at++) {
        const asked = requests.next(revision);
        const told = await both(clients, (client) => client.call(methodOf(asked), asked.request));
        compare(told, { peer, asked, before });
        revision = revisionIn(told[0]) ?? revision;
        before.push(asked);
      }
    });
  });

async function both<T>(clients: readonly RawClient[], ask: (client: RawClient) => Promise<T>) {
  const [own, theirs] = await Promise.all(clients.map(ask));
  assert.ok(own !== undefined && theirs !== undefined, "two sides");
  return [own, theirs] as const;
}

function compare(
  [own, theirs]: readonly [Told, Told],
  { peer, asked, before }: { readonly peer: Peer; readonly asked: Asked; readonly before: readonly Asked[] },
): void {
  const sides = settled(peer, asked, { own, theirs });
  const recent = before.slice(-6).map(shown).join("\n");
  assert.deepEqual(sides.own, sides.theirs, `request ${before.length}: ${shown(asked)}\nafter\n${recent}`);
}

const shown = ({ method, request }: Asked) =>
  `${method} ${JSON.stringify(request, (_, value) => {
    if (typeof value === "bigint") return String(value);
    const isBytes = value?.type === "Buffer" || value instanceof Uint8Array;
    return isBytes ? Buffer.from(value.data ?? value).toString("latin1") : value;
  })}`;

function revisionIn(told: Told): number | undefined {
  if (!("answer" in told)) return undefined;
  const { revision = 0 } = (told.answer as { header?: { revision?: number } }).header ?? {};
  return revision === 0 ? undefined : revision;
}
