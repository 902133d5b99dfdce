import assert from "node:assert/strict";
import { createServer } from "node:http";
import { Socket } from "node:net";
import { systemClock } from "../../../base/os/clock.ts";
import { Encodings } from "../cache/encodings.ts";
import { KindCache } from "../cache/kind-cache.ts";
import { WatchCursor } from "../cache/watch-cursor.ts";
import { encodeStored } from "../registry/stored-object.ts";
import { configMaps } from "../resources/configmaps.ts";
import { plainOutput } from "./negotiate.ts";
import { WatchEncoder } from "./watch-encoder.ts";
import { WatchStream } from "./watch-stream.ts";

describe("watch stream", () => {
  it("ends a watcher who does not read, and holds back nobody", async () => {
    const cache = new KindCache(configMaps, { ageMinMs: 0, eventsMin: 4, unpackedMax: 2 });
    cache.install([], 1);
    const ended = new Promise<void>((resolve, reject) => {
      const server = createServer((_, response) => {
        const query = new URLSearchParams();
        const served = {
          kind: configMaps,
          group: "",
          version: "v1",
          apiVersion: "v1",
          plural: "configmaps",
          view: configMaps,
          subresources: configMaps.subresources,
        };
        const stream = new WatchStream({
          cache,
          cursor: new WatchCursor(
            cache,
            { prefix: cache.prefix, labels: [], fields: [], shown: [] },
            { after: 1 },
          ),
          encoder: new WatchEncoder(
            { served, output: plainOutput, query },
            { encodings: new Encodings(), wallMs: () => 0, shown: [] },
          ),
          response,
          bookmarks: false,
          marksInitialEnd: false,
          timeoutMs: 60_000,
          clock: systemClock,
          signal: new AbortController().signal,
          onBegun: () => {},
        });
        // More than the connection's buffers take, and far more than the window holds.
        for (let revision = 2; revision < 200; revision++) {
          const metadata = {
            name: "big",
            namespace: "a",
            uid: "u",
            resourceVersion: "",
            creationTimestamp: "2026-01-01T00:00:00Z",
          };
          const value = encodeStored({
            apiVersion: "v1",
            kind: "ConfigMap",
            metadata,
            data: { a: "x".repeat(200_000) },
          });
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
});
