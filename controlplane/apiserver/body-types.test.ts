import assert from "node:assert/strict";
import fc from "fast-check";
import { encodeKubernetesProtobuf } from "./schema/protobuf-envelope.ts";
import { startTestApiserver, type TestApiserver } from "./testing.ts";
import { configMap, configMaps, pod } from "./testing-objects.ts";

const protobuf = "application/vnd.kubernetes.protobuf";
const unknownFormat =
  "the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf";
const notRouted = "415: Unsupported Media Type";
const dryRun = `${configMaps}?dryRun=All`;

/** The wanted answers were recorded from a kube-apiserver of 1.36. */
describe("bodies and their media types", () => {
  let server: TestApiserver;
  before(async () => {
    server = await startTestApiserver();
    await server.admin.call("POST", configMaps, { body: configMap("kept") });
  });
  after(() => server.stop());

  const send = (method: string, path: string, type: string, body: unknown) =>
    server.admin.call(method, path, { type, body });
  const bytes = (hex: string) => Buffer.from(hex.replaceAll(/\s/g, ""), "hex");

  it("are read as JSON, YAML or protobuf by what the type says before its parameters, whatever its case", async () => {
    for (const type of [
      "application/json",
      "application/json; charset=utf-8",
      "APPLICATION/JSON",
      "application/yaml",
      "",
    ]) {
      const { code, text } = await send("POST", dryRun, type, configMap("read"));
      assert.equal(code, 201, `${type}: ${text}`);
    }
  });

  it("are refused with 415 where the type is another or none at all: CBOR, other names of YAML, forms, lists of types", async () => {
    for (const type of [
      "application/cbor",
      "text/yaml",
      "application/x-yaml",
      "application/x-www-form-urlencoded",
      "text/plain",
      "application/json; charset",
      "application/json, text/plain",
      "foo",
      "*/*",
      ";",
    ])
      for (const [method, path] of [
        ["POST", dryRun],
        ["PUT", `${configMaps}/kept?dryRun=All`],
        ["DELETE", `${configMaps}/kept?dryRun=All`],
        ["DELETE", `${configMaps}?dryRun=All`],
        ["POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"],
      ] as const) {
        const { code, body } = await send(method, path, type, configMap("kept"));
        assert.deepEqual(
          [code, body.reason, body.message, body.details],
          [415, "UnsupportedMediaType", unknownFormat, undefined],
          `${method} ${path} ${type}`,
        );
      }
  });

  it("of deletions may be missing, whatever their type would be", async () => {
    const { code } = await send("DELETE", `${configMaps}/none`, "application/cbor", undefined);
    assert.equal(code, 404);
  });

  it("of patches are refused with 415 before all else where no route takes their type", async () => {
    for (const type of [
      "application/json",
      "application/cbor",
      protobuf,
      "",
      "application/apply-patch+cbor",
      "application/Merge-patch+json",
    ])
      for (const path of [`${configMaps}/none`, "/apis/apps/v1/namespaces/default/deployments/none/scale"]) {
        const { code, body } = await send("PATCH", path, type, {});
        assert.deepEqual([code, body.message, body.details], [415, notRouted, {}], `${path} ${type}`);
      }
    const { code } = await send(
      "PATCH",
      `${configMaps}/kept?dryRun=All`,
      "application/merge-patch+json; charset=utf-8",
      {},
    );
    assert.equal(code, 200);
  });

  const unrecognized = "the object provided is unrecognized (must be of type ConfigMap): ";
  const unhandled = (why: string, kind = "ConfigMap") =>
    `${kind} in version "v1" cannot be handled as a ConfigMap: ${why}`;
  const isConfigMap = "0a0f 0a02 7631 1209 436f6e6669674d6170";
  const noPrefix = "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]";
  for (const [hex, message] of [
    ["", `${unrecognized}empty data (<empty>)`],
    ["6b38", `${unrecognized}${noPrefix} (6b38)`],
    ["6b387300", `${unrecognized}empty body (6b387300)`],
    ["6b387300 ff", `${unrecognized}unexpected EOF (6b387300ff)`],
    ["6b387300 120cff", `${unrecognized}unexpected EOF (6b387300120cff)`],
    ["6b387300 0800", `${unrecognized}proto: wrong wireType = 0 for field TypeMeta (6b3873000800)`],
    [
      `6b387300 ${isConfigMap} 12fffffffff07f`,
      `${unrecognized}unexpected EOF (6b3873000a0f0a0276311209436f6e6669674d617012fffffffff07f)`,
    ],
    [
      `6b387300 ${isConfigMap} 120b0a0912a00912ffffffff0f01`,
      `${unrecognized}proto: Unknown: illegal tag 0 (wire type 1) (6b3873000a0f0a0276311209436f6e6669674d6170120b0a0912a00912ff ...)`,
    ],
    [`6b387300 ${isConfigMap} 1202ffff`, unhandled("unexpected EOF")],
    [`6b387300 ${isConfigMap} 12030a0108`, unhandled("proto: wrong wireType = 0 for field Name")],
    ["6b387300 12030a0178", unhandled("unexpected EOF")],
    ["6b387300 12020b00", unhandled("proto: wrong wireType = 3 for field ObjectMeta")],
    ["6b387300 12020c00", unhandled("proto: ConfigMap: wiretype end group for non-group")],
    ["6b387300 120400000000", unhandled("proto: ConfigMap: illegal tag 0 (wire type 0)")],
    ["6b387300 120c0affffffffffffffffff0101", unhandled("proto: negative length found during unmarshaling")],
    ["6b387300 120c0affffffffffffffffffff01", unhandled("proto: integer overflow")],
    ["6b387300 1203fe0300", unhandled("proto: illegal wireType 6")],
    [
      "6b387300 0a090a0276311203506f641200",
      unhandled("converting (v1.Pod) to (core.ConfigMap): unknown conversion", "Pod"),
    ],
    [
      "6b387300 0a0b0a0276311205476f6e7a6f1200",
      unhandled(
        'no kind "Gonzo" is registered for version "v1" in scheme "pkg/runtime/scheme.go:111"',
        "Gonzo",
      ),
    ],
  ] as const)
    it(`in protobuf are refused in Kubernetes' words: ${hex || "nothing"}`, async () => {
      const { code, body } = await send("POST", dryRun, protobuf, bytes(hex));
      assert.deepEqual([code, body.reason, body.message], [400, "BadRequest", message]);
    });

  it("in protobuf need not say their kind, and are not asked for their encoding", async () => {
    // metadata{name: "x"}, the second with a content type that nobody heeds.
    for (const hex of [
      "6b387300 12050a030a0178",
      `6b387300 ${isConfigMap} 12050a030a0178 22106170706c69636174696f6e2f6a736f6e`,
    ]) {
      const { code, body } = await send("POST", dryRun, protobuf, bytes(hex));
      assert.deepEqual([code, body.kind, body.metadata?.name], [201, "ConfigMap", "x"]);
    }
  });

  it("of deletions in protobuf are refused by what is wrong alone", async () => {
    for (const [hex, message] of [
      ["6b38", noPrefix],
      ["6b387300", "empty body"],
      ["6b387300 120108", "unexpected EOF"],
      [
        "6b387300 0a130a027631120d44656c6574654f7074696f6e73 12020a00",
        "proto: wrong wireType = 2 for field GracePeriodSeconds",
      ],
      [
        "6b387300 0a0b0a0276311205476f6e7a6f1200",
        'no kind "Gonzo" is registered for version "v1" in scheme "pkg/runtime/scheme.go:111"',
      ],
    ] as const) {
      const { code, body } = await send("DELETE", `${configMaps}/kept?dryRun=All`, protobuf, bytes(hex));
      assert.deepEqual([code, body.message], [400, message]);
    }
  });

  it("of arbitrary bytes get an answer with a text and never 500, whatever they are said to be", async () => {
    const type = fc.constantFrom(
      protobuf,
      protobuf,
      "application/json",
      "application/yaml",
      "application/cbor",
    );
    const head = fc.constantFrom("", "6b387300", `6b387300${isConfigMap.replaceAll(" ", "")}`);
    await fc.assert(
      fc.asyncProperty(
        type,
        head,
        fc.uint8Array({ minLength: 1, maxLength: 60 }),
        async (said, start, rest) => {
          const body = Buffer.concat([bytes(start), rest]);
          for (const [method, path] of [
            ["POST", dryRun],
            ["POST", "/api/v1/namespaces/default/pods?dryRun=All"],
            ["DELETE", `${configMaps}/kept?dryRun=All`],
          ] as const) {
            const answer = await send(method, path, said, body);
            assert.ok(answer.code < 500, `${answer.code} ${answer.text}`);
            if (answer.code >= 400) assert.notEqual(answer.body.message, "");
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  it("that were sent in protobuf are stored as those in JSON", async () => {
    const object = pod("same");
    const [first, second] = [
      await send("POST", "/api/v1/namespaces/default/pods?dryRun=All", "application/json", object),
      await send(
        "POST",
        "/api/v1/namespaces/default/pods?dryRun=All",
        protobuf,
        encodeKubernetesProtobuf(object),
      ),
    ];
    assert.deepEqual([first?.code, second?.code], [201, 201]);
    assert.deepEqual(second?.body.spec, first?.body.spec);
    assert.deepEqual(second?.body.status, first?.body.status);
  });
});
