import assert from "node:assert/strict";
import fc from "fast-check";
import { cloneJson } from "../../../base/clone-json.ts";
import { KindCache } from "../cache/kind-cache.ts";
import { podEntry } from "../cache/testing/pod-entry.ts";
import { toKubeObject } from "../json.ts";
import { pods } from "../resources/pods.ts";
import { kinds } from "../resources/table.ts";
import { good } from "../resources/testing/good-objects.ts";
import { findTypeName } from "../schema/load.ts";
import { message } from "../schema/testing/arbitrary-message.ts";
import { DecodedObjects } from "./decoded-objects.ts";
import type { Kind } from "./kind.ts";
import { encodeStored, StoredObject } from "./stored-object.ts";

const stored = kinds.filter(({ isReview, hidesOwnForm }) => isReview !== true && hidesOwnForm !== true);
const apiVersionOf = ({ group, version }: Kind) => (group === "" ? version : `${group}/${version}`);

describe("objects that are left as bytes", () => {
  it("are read again as they were, of every kind, with the same JSON", () => {
    for (const kind of stored) {
      const apiVersion = apiVersionOf(kind);
      const model = findTypeName(apiVersion, kind.kind) ?? assert.fail(kind.kind);
      const part = fc.oneof(message(model, 2), fc.constant({ ...good[kind.kind] }));
      fc.assert(
        fc.property(part, fc.boolean(), (some, isShownBefore) => {
          const metadata = { ...Object(some.metadata), name: "x", uid: "u" };
          const object = toKubeObject(cloneJson({ ...some, apiVersion, kind: kind.kind, metadata }));
          const entry = { key: "/registry/x/x", value: encodeStored(object), modRevision: 7 };
          let left: StoredObject;
          let whole: StoredObject;
          try {
            [left, whole] = [new StoredObject(kind, entry), new StoredObject(kind, entry)];
          } catch {
            // Generated values that no client could bring: defaults of none.
            return;
          }
          if (isShownBefore) left.bareJson();
          left.leaveAsBytes();
          assert.deepEqual(left.json(), whole.json());
          assert.deepEqual(left.fields(), whole.fields());
          // A state without keys that stand for nothing: JSON tells of none.
          assert.deepEqual(left.object, cloneJson(whole.object));
          assert.deepEqual(encodedParts(left), encodedParts(whole));
        }),
        { numRuns: 2 },
      );
    }
  });

  it("are those that nobody has asked for in a while, beyond the bound", () => {
    const at = (n: number) => podEntry({ name: `p${n}`, namespace: "a" }, n + 2);
    const bytes = at(0).value.length;
    const decoded = new DecodedObjects({ bytesMax: 10 * bytes });
    const cache = new KindCache(pods, { decoded });
    cache.install([], 1);
    const asked = () => cache.get(at(0).key)?.object;
    let first: unknown;
    for (let n = 0; n < 100; n++) {
      cache.apply([{ type: "put", ...at(n) }], n + 2, 0);
      first ??= asked();
      assert.equal(asked(), first, "what is asked for again and again is kept");
      assert.ok(decoded.sizeBytes <= 10 * (bytes + 10));
    }
    assert.equal(cache.count, 100);
    const old = cache.get(at(1).key);
    assert.equal(old?.object.metadata.name, "p1");
    assert.equal(old?.object, old?.object, "read once, it is kept again");
  });

  it("are history's once another state has taken their place: they are kept by nobody", () => {
    const decoded = new DecodedObjects();
    const limits = { ageMinMs: 1000, eventsMin: 100, unpackedMax: 1 };
    const cache = new KindCache(pods, { limits, decoded });
    cache.install([], 1);
    for (let n = 2; n < 50; n++)
      cache.apply([{ type: "put", ...podEntry({ name: "p", namespace: "a" }, n) }], n, 0);
    const bytes = podEntry({ name: "p", namespace: "a" }, 2).value.length;
    assert.ok(decoded.sizeBytes <= 3 * bytes, "the newest state, and those not yet packed");
  });
});

/** What a write of the object would store. */
const encodedParts = ({ object }: StoredObject) => JSON.parse(Buffer.from(encodeStored(object)).toString());
