import assert from "node:assert/strict";
import { plainOutput } from "../handlers/negotiate.ts";
import { WatchEncoder } from "../handlers/watch-encoder.ts";
import { chunked, unframed } from "../handlers/watch-framing.ts";
import { KindTable } from "../registry/kind-table.ts";
import { encodeStored, StoredObject } from "../registry/stored-object.ts";
import { configMaps } from "../resources/configmaps.ts";
import { Encodings } from "./encodings.ts";

const stored = (name: string, revision: number) => {
  const metadata = {
    name,
    namespace: "a",
    uid: "u",
    resourceVersion: "",
    creationTimestamp: "2026-01-01T00:00:00Z",
  };
  const value = encodeStored({ apiVersion: "v1", kind: "ConfigMap", metadata, data: { a: "<ü>" } });
  return new StoredObject(configMaps, {
    key: `/registry/configmaps/a/${name}`,
    value,
    modRevision: revision,
  });
};

describe("encodings", () => {
  const served = new KindTable([configMaps]).byResource("", "v1", "configmaps");
  assert.ok(served);
  const encoderOf = (encodings: Encodings, as: "object" | "metadata" | "table" = "object") =>
    new WatchEncoder(
      { served, output: { ...plainOutput, as }, query: new URLSearchParams() },
      { encodings, wallMs: () => 0, shown: [] },
    );

  it("one frame serves all watchers of an event who asked for the same form", () => {
    const encodings = new Encodings();
    const object = stored("one", 7);
    const event = { type: "MODIFIED", object, revision: 7, isEvent: true } as const;
    const frame = encoderOf(encodings).frame(event, unframed);
    assert.equal(encoderOf(encodings).frame(event, unframed), frame);
    assert.deepEqual(JSON.parse(frame.toString()), { type: "MODIFIED", object: object.object });
    const inChunk = encoderOf(encodings).frame(event, chunked);
    assert.equal(encoderOf(encodings).frame(event, chunked), inChunk);
    assert.deepEqual(inChunk, chunked.wrap(frame));
    const metadata = encoderOf(encodings, "metadata").frame(event, unframed);
    assert.equal(encoderOf(encodings, "metadata").frame(event, unframed), metadata);
    assert.equal(JSON.parse(metadata.toString()).object.kind, "PartialObjectMetadata");
    const gone = encoderOf(encodings).frame({ ...event, type: "DELETED", revision: 9 }, unframed);
    assert.equal(JSON.parse(gone.toString()).object.metadata.resourceVersion, "9");
  });

  it("are made anew for no reader: an object's JSON is one buffer, in lists, frames and answers", () => {
    const object = stored("one", 7);
    assert.equal(object.bareJson(), object.bareJson());
    const text = object.json().toString();
    assert.match(text, /^\{"kind":"ConfigMap","apiVersion":"v1","metadata":/);
    assert.deepEqual(JSON.parse(text), object.object);
    assert.ok(text.includes('"\\u003cü\\u003e"'), "as Go's encoder escapes it");
    object.pack();
    assert.equal(object.json().toString(), text);
  });

  it("take no more than they may: those made first go first", () => {
    const encodings = new Encodings({ bytesMax: 10_000 });
    const objects = Array.from({ length: 50 }, (_, at) => stored(`n${at}`, at + 1));
    for (const object of objects) {
      encodings.of(object, "form", () => Buffer.alloc(1000));
      assert.ok(encodings.sizeBytes <= 10_000);
    }
    let made = 0;
    const again = (object: StoredObject | undefined) => {
      assert.ok(object);
      encodings.of(object, "form", () => {
        made++;
        return Buffer.alloc(1000);
      });
    };
    again(objects.at(-1));
    assert.equal(made, 0);
    again(objects[0]);
    assert.equal(made, 1);
  });
});
