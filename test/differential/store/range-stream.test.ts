import assert from "node:assert/strict";
import { utf8 } from "../../../base/wire.ts";
import { type RangeRequest, type RangeStreamResponse, rangeResponse } from "../../../proto/etcd.ts";
import { type Method, methods } from "../../../proto/etcd-methods.ts";
import { type StoreProcesses, startStoreProcesses } from "../../integration/etcd-processes.ts";
import { etcdPeers, ours } from "./peers.ts";
import { plain, RawClient, type Told } from "./raw-client.ts";
import { settled } from "./version-differences.ts";

const maxRequestBytes = 40_000;
const keysCount = 400;
const streamed = methods.rangeStream as unknown as Method<object, object>;
const everything = { key: utf8("k"), rangeEnd: utf8("l") };
const key = (at: number) => utf8(`k${String(at).padStart(4, "0")}`);
/** From nothing to a few times what a chunk should be. */
const valueBytes = (at: number) => (at % 50 === 7 ? 30_000 : (at * 37) % 900);

const requests: readonly Partial<RangeRequest>[] = [
  everything,
  ...[1, 9, 10, 11, 29, 30, 31, 100, 399, 400, 401].map((limit) => ({ ...everything, limit })),
  ...[1, 2, 150, 401].map((revision) => ({ ...everything, revision, limit: 50 })),
  { ...everything, revision: 10_000 },
  { ...everything, serializable: true },
  { ...everything, keysOnly: true },
  { ...everything, keysOnly: true, limit: 25 },
  { ...everything, countOnly: true },
  { ...everything, countOnly: true, limit: 3, revision: 200 },
  { ...everything, sortOrder: "ASCEND", sortTarget: "KEY" },
  { ...everything, sortTarget: "KEY" },
  { ...everything, sortOrder: "DESCEND" },
  { ...everything, sortOrder: "ASCEND", sortTarget: "VERSION" },
  { ...everything, sortOrder: 7 },
  { ...everything, sortTarget: 7 },
  { ...everything, minModRevision: 1 },
  { ...everything, maxCreateRevision: 9 },
  { key: key(7) },
  { key: key(7), countOnly: true },
  { key: key(7), keysOnly: true },
  { key: utf8("none") },
  { key: utf8("k0390"), rangeEnd: Uint8Array.of(0) },
  { key: Uint8Array.of(0), rangeEnd: Uint8Array.of(0), limit: 12 },
  { key: utf8("l"), rangeEnd: utf8("k") },
  { key: utf8("x"), rangeEnd: utf8("y") },
  { rangeEnd: utf8("y") },
];

for (const peer of etcdPeers().filter(({ minor }) => minor === "3.7"))
  describe(`a range as a stream beside etcd ${peer.minor}'s`, function () {
    this.timeout(120_000);
    let stores: readonly StoreProcesses[] = [];
    let clients: readonly RawClient[] = [];
    before(async () => {
      const flags = [`--max-request-bytes=${maxRequestBytes}`];
      stores = await Promise.all(
        [ours, [peer.program]].map((command) => startStoreProcesses(1, command, flags)),
      );
      clients = stores.map(({ endpoints: [endpoint = ""] }) => new RawClient(endpoint));
      for (let at = 0; at < keysCount; at++) {
        const put = { key: key(at), value: Buffer.alloc(valueBytes(at), at) };
        for (const client of clients)
          await client.call(methods.put as unknown as Method<object, object>, put);
      }
    });
    after(async () => {
      for (const client of clients) client.close();
      await Promise.all(stores.map((store) => store.stop()));
    });

    for (const request of requests)
      it(shown(request), async () => {
        const [own = [], theirs = []] = await Promise.all(
          clients.map((client) => client.stream(streamed, request)),
        );
        assert.ok(theirs.length > 0);
        const asked = { method: "rangeStream" as const, request };
        const sides = theirs.map((told, at) =>
          settled(peer, asked, { own: inner(own[at] ?? nothing), theirs: inner(told) }),
        );
        assert.deepEqual(
          sides.map((side) => side.own),
          sides.map((side) => side.theirs),
        );
        assert.equal(own.length, theirs.length);
      });
  });

/** The part of the answer that a message holds, with its header cut down to its revision. */
function inner(told: Told): Told {
  if (!("answer" in told)) return told;
  const { rangeResponse: part } = told.answer as RangeStreamResponse;
  return { answer: plain(rangeResponse, rangeResponse.encode(part ?? {})) };
}

const nothing: Told = { code: "none", text: "there is no such message" };

function shown(request: Partial<RangeRequest>): string {
  return JSON.stringify(request, (_, value) =>
    value instanceof Uint8Array ? Buffer.from(value).toString("latin1") : value,
  );
}
