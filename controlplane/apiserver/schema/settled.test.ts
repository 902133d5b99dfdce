import assert from "node:assert/strict";
import fc from "fast-check";
import { checkFields } from "./check-fields.ts";
import { schema, typeOf } from "./load.ts";
import { normalizeObject } from "./normalize.ts";
import { isSettled, settledForm } from "./settled.ts";
import { message } from "./testing/arbitrary-message.ts";

type Json = Record<string, unknown>;

function kinds() {
  return Object.entries(schema().kinds).flatMap(([name, model]) => {
    const slash = name.lastIndexOf("/");
    const [apiVersion, kind] = [name.slice(0, slash).replace("*", "v1"), name.slice(slash + 1)];
    const type = typeOf(model);
    return type === undefined ? [] : [{ apiVersion, kind, model, type }];
  });
}

const gvkOf = ({ apiVersion, kind }: { apiVersion: string; kind: string }) => {
  const [version = "", group = ""] = apiVersion.split("/").reverse();
  return { group, version, kind };
};

/** Values that fields may have and that are not always well. */
const oddities: fc.Arbitrary<unknown> = fc.constantFrom<unknown>(
  ...[null, "", 0, -0, 1.5, 2 ** 40, false, true, [], {}, "x", "1.0", "0.5Gi", "500m", [null], { a: null }],
  ...[
    "2026-01-02T03:04:05Z",
    "2026-13-02T03:04:05Z",
    "2026-01-02T03:04:05.000001Z",
    "2026-01-02T03:04:05+01:00",
  ],
);

/** One field somewhere in the object is something else. */
function spoiled(object: Json, path: readonly number[], odd: unknown): Json {
  const copy = structuredClone(object);
  let at: Json = copy;
  for (const step of path) {
    const inner = Object.values(at).filter((one) => typeof one === "object" && one !== null);
    if (inner.length === 0) break;
    at = inner[step % inner.length] as Json;
  }
  const names = Object.keys(at);
  const name = names[(path[0] ?? 0) % Math.max(1, names.length)];
  if (name !== undefined) at[name] = odd;
  return copy;
}

describe("an object that is settled", () => {
  it("is one of whose fields there is nothing to tell, and nothing to bring into another form, for every kind", () => {
    let settled = 0;
    for (const { apiVersion, kind, model, type } of kinds())
      fc.assert(
        fc.property(
          message(model, 3),
          fc.array(fc.nat(9), { maxLength: 4 }),
          oddities,
          fc.boolean(),
          (given, path, odd, isSpoiled) => {
            const clean: Json = { ...(given as Json), apiVersion, kind };
            normalizeObject(clean);
            const object = isSpoiled ? spoiled(clean, path, odd) : clean;
            if (!isSettled(type, object, "read")) return;
            settled++;
            const { unknown, typeErrors } = checkFields(gvkOf({ apiVersion, kind }), object);
            assert.deepEqual([unknown, typeErrors], [[], []]);
            const before = JSON.stringify(object);
            normalizeObject(object);
            assert.equal(JSON.stringify(object), before);
          },
        ),
        { numRuns: 20 },
      );
    assert.ok(settled > 500, `only ${settled} were`);
  });

  it("has no other form than the one that normalizing gives, and shares with it what is whole", () => {
    let changed = 0;
    for (const { apiVersion, kind, model, type } of kinds())
      fc.assert(
        fc.property(
          message(model, 3),
          fc.array(fc.nat(9), { maxLength: 4 }),
          oddities,
          (given, path, odd) => {
            const object = spoiled({ ...(given as Json), apiVersion, kind }, path, odd);
            const before = JSON.stringify(object);
            if (object.apiVersion !== apiVersion || object.kind !== kind) return;
            const form = settledForm(type, object, "read");
            assert.equal(JSON.stringify(object), before);
            if (form === undefined) return;
            if (form !== object) changed++;
            const { unknown, typeErrors } = checkFields(gvkOf({ apiVersion, kind }), object);
            assert.deepEqual([unknown, typeErrors], [[], []]);
            const normalized = structuredClone(object);
            normalizeObject(normalized);
            assert.equal(JSON.stringify(form), JSON.stringify(normalized));
          },
        ),
        { numRuns: 20 },
      );
    assert.ok(changed > 20, `only ${changed} were`);

    const type = typeOf("V1Pod");
    assert.ok(type);
    const pod = { metadata: { name: "a", creationTimestamp: null }, spec: { containers: [] }, status: {} };
    const form = settledForm(type, pod, "read");
    assert.deepEqual(form, { ...pod, metadata: { name: "a" } });
    assert.equal(form?.spec, pod.spec);
  });

  it("may lack what the server fills in later, unless it has just been read", () => {
    const type = typeOf("V1Pod");
    assert.ok(type);
    const metadata = { name: "a", uid: "", resourceVersion: "", creationTimestamp: "" };
    const pod = {
      apiVersion: "v1",
      kind: "Pod",
      metadata,
      spec: { containers: [{ name: "a", image: "b" }] },
    };
    assert.equal(isSettled(type, pod, "made"), true);
    assert.equal(isSettled(type, pod, "read"), false);
  });

  it("is not one with an unknown field, a null, a zero that means nothing, an amount in another form, another type", () => {
    const type = typeOf("V1Pod");
    assert.ok(type);
    const pod = (spec: object) => ({ apiVersion: "v1", kind: "Pod", metadata: { name: "a" }, spec });
    const container = { name: "a", resources: { limits: { cpu: "100m" } } };
    assert.equal(isSettled(type, pod({ containers: [container], priority: 0 }), "read"), true);
    for (const spec of [
      { containers: [container], unheardOf: 1 },
      { containers: [container], nodeName: null },
      { containers: [container], nodeName: "" },
      { containers: [container], hostNetwork: false },
      { containers: [container], nodeSelector: {} },
      { containers: [{ ...container, resources: { limits: { cpu: "0.1" } } }] },
      { containers: [{ ...container, resources: { limits: { cpu: 1 } } }] },
      { containers: [container], priority: 2 ** 31 },
      { containers: container },
    ])
      assert.equal(isSettled(type, pod(spec), "read"), false, JSON.stringify(spec));
  });
});
