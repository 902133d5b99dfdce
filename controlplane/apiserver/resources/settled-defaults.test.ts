import fc from "fast-check";
import type { KubeObject } from "../../../client/types.ts";
import { apiVersionOf, isStored } from "../registry/kind-table.ts";
import { findTypeName } from "../schema/load.ts";
import { message } from "../schema/testing/arbitrary-message.ts";
import { kinds } from "./table.ts";
import { good } from "./testing/good-objects.ts";

/** Freezes an object with all that it holds. */
function deepFreeze<T>(value: T): T {
  if (typeof value !== "object" || value === null) return value;
  for (const one of Object.values(value)) deepFreeze(one);
  return Object.freeze(value);
}

/** Objects share their parts with those that they were made of and with the cache's, which nobody may change. */
describe("an object that has its defaults", () => {
  for (const kind of kinds.filter(isStored)) {
    const apiVersion = apiVersionOf(kind.group, kind.version);
    const type = findTypeName(apiVersion, kind.kind) ?? "";
    it(`${kind.kind}: is not written to when they are filled in again, whatever it holds`, () => {
      const objects = fc.oneof(fc.constant(good[kind.kind] ?? {}), message(type, 5));
      fc.assert(
        fc.property(objects, (fields) => {
          const metadata = { name: "a", uid: "u", creationTimestamp: "2026-01-01T00:00:00Z" };
          const object = structuredClone({ ...fields, apiVersion, kind: kind.kind, metadata });
          kind.applyDefaults(object as unknown as KubeObject);
          kind.prepareForCreate?.(object as unknown as KubeObject);
          kind.applyDefaults(deepFreeze(object) as unknown as KubeObject);
        }),
        { numRuns: 60 },
      );
    });
  }
});
