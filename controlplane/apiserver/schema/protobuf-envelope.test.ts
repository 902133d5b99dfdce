import assert from "node:assert/strict";
import fc from "fast-check";
import { WireWriter } from "../../../base/wire.ts";
import { schema, UnknownKindError } from "./load.ts";
import {
  decodeKubernetesProtobuf,
  encodeKubernetesProtobuf,
  inEnvelope,
  ProtobufError,
} from "./protobuf-envelope.ts";
import { message } from "./testing/arbitrary-message.ts";

describe("protobuf envelope", () => {
  const bytes = (hex: string) => Buffer.from(hex.replaceAll(/\s/g, ""), "hex");

  it("reads a body as a client writes it", () => {
    // k8s\0, Unknown{typeMeta{v1, Namespace}, raw{metadata{name: "x", creationTimestamp: {}}, spec{}, status{}}, …}
    const body = bytes(`6b387300 0a0f 0a027631 1209 4e616d657370616365
      120f 0a09 0a0178 4200 1a00 2200 1200 1a00 1a00 2200`);
    assert.deepEqual(decodeKubernetesProtobuf(body), {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: "x" },
      spec: {},
      status: {},
    });
  });

  it("keeps a zero where it is a value, drops it where it means unset", () => {
    const object = {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "" },
      spec: {
        replicas: 0,
        minReadySeconds: 0,
        paused: false,
        template: { spec: { hostNetwork: false, enableServiceLinks: false } },
      },
    };
    assert.deepEqual(decodeKubernetesProtobuf(encodeKubernetesProtobuf(object)), {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: {},
      spec: { replicas: 0, strategy: {}, template: { metadata: {}, spec: { enableServiceLinks: false } } },
      status: {},
    });
  });

  it("reads the verbs of a resource as the message that Kubernetes makes of them", () => {
    const resources = [{ name: "pods", singularName: "pod", namespaced: true, kind: "Pod", verbs: ["get"] }];
    const list = { apiVersion: "v1", kind: "APIResourceList", groupVersion: "v1", resources };
    const body = Buffer.from(encodeKubernetesProtobuf(list));
    assert.ok(body.includes(bytes("2205 0a03 676574")), body.toString("hex"));
    assert.deepEqual(decodeKubernetesProtobuf(body), list);
  });

  it("says which kind it does not know", () => {
    const body = bytes("6b387300 0a0b 0a027631 1205 476f6e7a6f 1200");
    assert.throws(() => decodeKubernetesProtobuf(body), new UnknownKindError("v1", "Gonzo"));
  });

  it("refuses what is no envelope, and what is cut short", () => {
    assert.throws(() => decodeKubernetesProtobuf(Buffer.from("{}")), ProtobufError);
    const whole = encodeKubernetesProtobuf({ apiVersion: "v1", kind: "Pod", metadata: { name: "web" } });
    assert.throws(() => decodeKubernetesProtobuf(whole.subarray(0, -1)), ProtobufError);
  });

  it("never fails but with its own errors, whatever the bytes", () => {
    const heads = ["6b387300", "6b387300 0a09 0a027631 1203 506f64 12", "6b387300 12"].map(bytes);
    const body = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc
        .tuple(fc.constantFrom(...heads), fc.uint8Array({ maxLength: 120 }))
        .map(([head, rest]) =>
          Buffer.concat([head, head.length > 5 ? Buffer.from([rest.length]) : rest, rest]),
        ),
    );
    fc.assert(
      fc.property(body, (raw) => onlyOwnErrors(raw)),
      { numRuns: 3000 },
    );
  });

  it("never fails but with its own errors where single bytes of sound messages are others", () => {
    const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 6 });
    for (const name of ["Pod", "Service", "Secret"])
      fc.assert(
        fc.property(message(`V1${name}`, 2), changes, (object, found) => {
          const raw = Buffer.from(encodeKubernetesProtobuf({ ...object, apiVersion: "v1", kind: name }));
          for (const [at, byte] of found) raw[at % raw.length] = byte;
          onlyOwnErrors(raw);
        }),
        { numRuns: 100 },
      );
  });

  it("refuses lengths beyond the end, negative ones, and messages without end, by a text", () => {
    const pod = (inner: string) =>
      Buffer.concat([bytes("6b387300 0a09 0a027631 1203 506f64 12"), lengthOf(inner)]);
    for (const [body, text] of [
      [bytes("6b387300 12 ffffffff0f 01"), "unexpected EOF"],
      [bytes("6b387300 12 ffffffffffffffff7f"), "unexpected EOF"],
      [bytes("6b387300 12 ffffffffffffffffff01"), "proto: negative length found during unmarshaling"],
      [bytes("6b387300 12 ffffffffffffffffffff01"), "proto: integer overflow"],
      [pod("0a ffffffff0f"), "unexpected EOF"],
      [pod("0a ffffffffffffffffff01"), "proto: negative length found during unmarshaling"],
      [pod("0a 02 0a05"), "unexpected EOF"],
      [pod("0b00"), "proto: wrong wireType = 3 for field ObjectMeta"],
      [pod("0c00"), "proto: Pod: wiretype end group for non-group"],
      [pod("fe03"), "proto: illegal wireType 6"],
    ] as const)
      assert.throws(() => decodeKubernetesProtobuf(body), { name: "ProtobufError", message: text });
    // Groups of fields that nobody knows are passed over, however deep; schemas in schemas end somewhere.
    const groups = Buffer.alloc(200_001, Buffer.from([0xfb, 0x07]));
    assert.throws(() => decodeKubernetesProtobuf(Buffer.concat([bytes("6b387300"), groups])), ProtobufError);
    assert.throws(() => decodeKubernetesProtobuf(deepDefinition(500)), /nested deeper than 100/);
  });

  it("decodes what was encoded, for every kind", () => {
    for (const [name, model] of Object.entries(schema().kinds)) {
      const slash = name.lastIndexOf("/");
      const [apiVersion, kind] = [name.slice(0, slash).replace("*", "v1"), name.slice(slash + 1)];
      fc.assert(
        fc.property(message(model, 2), (object) => {
          const whole = { ...object, apiVersion, kind };
          const bytes = encodeKubernetesProtobuf(whole);
          const decoded = decodeKubernetesProtobuf(bytes);
          assert.deepEqual(plain(common(decoded, whole)), whole);
          assert.deepEqual(encodeKubernetesProtobuf(decoded), bytes);
        }),
        { numRuns: 10 },
      );
    }
  });
});

function onlyOwnErrors(body: Uint8Array): void {
  try {
    decodeKubernetesProtobuf(body);
  } catch (error) {
    assert.ok(error instanceof ProtobufError || error instanceof UnknownKindError, String(error));
    assert.notEqual(error.message, "");
  }
}

function lengthOf(hex: string): Buffer {
  const raw = Buffer.from(hex.replaceAll(/\s/g, ""), "hex");
  return Buffer.concat([Buffer.from([raw.length]), raw]);
}

/** A CustomResourceDefinition whose schema holds a schema, and so on. */
function deepDefinition(depth: number): Uint8Array {
  const writer = new WireWriter();
  const nest = (left: number, field: number): void => {
    writer.varint(field * 8 + 2).nested(() => left > 0 && nest(left - 1, 28));
  };
  // spec.versions[0].schema.openAPIV3Schema.not.not.not…
  writer
    .varint(2 * 8 + 2)
    .nested(() =>
      writer.varint(7 * 8 + 2).nested(() => writer.varint(4 * 8 + 2).nested(() => nest(depth, 1))),
    );
  const type = { apiVersion: "apiextensions.k8s.io/v1", kind: "CustomResourceDefinition" };
  return inEnvelope(type, writer.finish());
}

/** What is in the first value where the second has something: messages hold more, since in Go what is no pointer is
 *  always there. */
function common(value: unknown, wanted: unknown): unknown {
  if (Array.isArray(value) && Array.isArray(wanted)) return value.map((one, at) => common(one, wanted[at]));
  if (typeof value !== "object" || typeof wanted !== "object" || value === null || wanted === null)
    return value;
  const pairs = Object.entries(value).filter(([name]) => Object.hasOwn(wanted, name));
  return Object.fromEntries(
    pairs.map(([name, one]) => [name, common(one, (wanted as Record<string, unknown>)[name])]),
  );
}

/** Maps come without a prototype, which is no difference here. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
