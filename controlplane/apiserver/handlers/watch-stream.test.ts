import assert from "node:assert/strict";
import { createServer, IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import { type Clock, systemClock } from "../../../base/os/clock.ts";
import { Encodings } from "../cache/encodings.ts";
import { KindCache } from "../cache/kind-cache.ts";
import { turnsAtOnce } from "../cache/turns.ts";
import { WatchCursor } from "../cache/watch-cursor.ts";
import { encodeStored } from "../registry/stored-object.ts";
import { configMaps } from "../resources/configmaps.ts";
import { plainOutput } from "./negotiate.ts";
import { WatchEncoder } from "./watch-encoder.ts";
import { outletOf } from "./watch-outlet.ts";
import { WatchStream } from "./watch-stream.ts";

describe("watch stream", () => {
  it("ends a watcher who does not read, and holds back nobody", async () => {
    const cache = new KindCache(configMaps, { limits: { ageMinMs: 0, eventsMin: 4, unpackedMax: 2 } });
    cache.install([], 1);
    const ended = new Promise<void>((resolve, reject) => {
      const server = createServer((_, response) => {
        const stream = streamOf(cache, response);
        // More than the connection's buffers take, and far more than the window holds.
        for (let revision = 2; revision < 200; revision++) {
          const value = stored({ a: "x".repeat(200_000) });
          const change = { type: "put" as const, key: `${cache.prefix}a/big`, value, modRevision: revision };
          cache.apply([change], revision, revision);
        }
        assert.equal(cache.window.count, 4);
        assert.ok(response.writableLength < 1_000_000, "no queue of its own");
        reader.resume();
        stream.done.then(resolve, reject).finally(() => server.close());
      });
      const reader = new Socket();
      server.listen(0, "127.0.0.1", () => {
        const bound = server.address();
        assert.ok(typeof bound === "object" && bound !== null);
        reader.connect(bound.port, "127.0.0.1", () => reader.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
      });
    });
    await ended;
    assert.equal(cache.listenerCount, 0);
  });

  it("tells before a bookmark, and before its end, what it would tell when its turn came", () => {
    for (const last of ["bookmark", "end"] as const) {
      const cache = new KindCache(configMaps);
      cache.install([], 1);
      // Whose turn comes first.
      for (let n = 0; n < turnsAtOnce; n++) cache.listen({ wake: () => {}, end: () => {} });
      const due: (() => void)[] = [];
      const after = (_: number, fire: () => void) => {
        due.push(fire);
        return () => {};
      };
      const clock: Clock = { ...systemClock, after };
      const { response, told } = recorded();
      const stream = streamOf(cache, response, { clock, bookmarks: true });
      const change = { type: "put" as const, key: `${cache.prefix}a/big`, value: stored({}), modRevision: 2 };
      cache.apply([change], 2, 0);
      assert.equal(told.length, 0, "it is not its turn");
      if (last === "end") stream.end();
      else due[1]?.();
      assert.deepEqual(
        told.map(({ type, object }) => [type, object.metadata.resourceVersion]),
        [
          ["ADDED", "2"],
          ["BOOKMARK", "2"],
        ],
      );
      stream.end();
    }
  });

  it("ends with an error where an object cannot be shown, and others are told all the same", () => {
    const cache = new KindCache(configMaps);
    cache.install([], 1);
    const broken = recorded();
    streamOf(cache, broken.response, { encodings: new Unencodable() });
    const well = recorded();
    streamOf(cache, well.response);
    const change = { type: "put" as const, key: `${cache.prefix}a/big`, value: stored({}), modRevision: 2 };
    cache.apply([change], 2, 0);
    assert.deepEqual(
      [...broken.told, ...well.told].map(({ type }) => type),
      ["ERROR", "ADDED"],
    );
    assert.equal(broken.response.writableEnded, true);
    assert.equal(cache.listenerCount, 1);
    cache.endListeners();
  });
});

class Unencodable extends Encodings {
  override of(): Buffer {
    throw new Error("it has no such form");
  }
}

function stored(data: Readonly<Record<string, string>>): Uint8Array {
  const metadata = {
    name: "big",
    namespace: "a",
    uid: "u",
    resourceVersion: "",
    creationTimestamp: "2026-01-01T00:00:00Z",
  };
  return encodeStored({ apiVersion: "v1", kind: "ConfigMap", metadata, data });
}

interface Told {
  readonly type: string;
  readonly object: { readonly metadata: Readonly<Record<string, string>> };
}

/** An answer that nobody reads, and what is written to it. */
function recorded(): { readonly response: ServerResponse; readonly told: readonly Told[] } {
  const response = new ServerResponse(new IncomingMessage(new Socket()));
  const told: Told[] = [];
  const write = (bytes: unknown) => told.push(JSON.parse(String(bytes))) > 0;
  const end = response.end.bind(response, "", "utf8");
  response.write = write;
  response.end = (bytes?: unknown) => {
    if (bytes !== undefined) write(bytes);
    return end();
  };
  return { response, told };
}

function streamOf(
  cache: KindCache,
  response: ServerResponse,
  {
    clock = systemClock,
    bookmarks = false,
    encodings = new Encodings(),
  }: { readonly clock?: Clock; readonly bookmarks?: boolean; readonly encodings?: Encodings } = {},
): WatchStream {
  const served = {
    kind: configMaps,
    group: "",
    version: "v1",
    apiVersion: "v1",
    plural: "configmaps",
    view: configMaps,
    subresources: configMaps.subresources,
  };
  const query = new URLSearchParams();
  const scope = { prefix: cache.prefix, labels: [], fields: [], shown: [] };
  return new WatchStream({
    cache,
    cursor: new WatchCursor(cache, scope, { after: 1 }),
    encoder: new WatchEncoder(
      { served, output: plainOutput, query },
      { encodings, wallMs: () => 0, shown: [] },
    ),
    outlet: outletOf(response),
    bookmarks,
    marksInitialEnd: false,
    timeoutMs: 60_000,
    clock,
    signal: new AbortController().signal,
    onBegun: () => {},
  });
}
