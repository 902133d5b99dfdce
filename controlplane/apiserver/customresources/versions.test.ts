import assert from "node:assert/strict";
import { startTestApiserver, type TestApiserver } from "../testing.ts";

const group = "versions.example.com";
const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const path = (version: string) => `/apis/${group}/${version}/namespaces/default/widgets`;
const count = (maximum: number) => ({
  type: "object",
  properties: { size: { type: "integer", maximum }, other: { type: "integer" } },
});
const schema = (maximum: number) => ({
  openAPIV3Schema: {
    type: "object",
    properties: {
      spec: {
        ...count(maximum),
        "x-kubernetes-validations": [{ rule: "!has(self.size) || self.size != 13" }],
      },
      status: { type: "object", properties: { ready: { type: "integer" }, text: { type: "string" } } },
      items: {
        type: "array",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["key"],
        items: {
          type: "object",
          required: ["key"],
          properties: { key: { type: "string" }, value: { type: "string" } },
        },
      },
    },
  },
});
const scale = (spec: string) => ({
  specReplicasPath: spec,
  statusReplicasPath: ".status.ready",
  labelSelectorPath: ".status.text",
});
const definition = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: `widgets.${group}` },
  spec: {
    group,
    scope: "Namespaced",
    names: { plural: "widgets", kind: "Widget" },
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        schema: schema(100),
        subresources: { status: {}, scale: scale(".spec.size") },
      },
      {
        name: "v2beta1",
        served: true,
        storage: false,
        deprecated: true,
        schema: schema(1000),
        subresources: { scale: scale(".spec.other") },
      },
      { name: "v1alpha1", served: true, storage: false, deprecated: true, schema: schema(100) },
      { name: "v3", served: false, storage: false, schema: schema(100) },
    ],
  },
};
const widget = (version: string, name: string, rest: object) => ({
  apiVersion: `${group}/${version}`,
  kind: "Widget",
  metadata: { name },
  ...rest,
});

describe("versions of custom resources", () => {
  let server: TestApiserver;
  const call = (method: string, url: string, body?: object, type?: string) =>
    server.admin.call(method, url, { ...(body && { body }), ...(type !== undefined && { type }) });
  const merge = "application/merge-patch+json";
  const apply = "application/apply-patch+yaml";
  before(async () => {
    server = await startTestApiserver();
    const made = await call("POST", definitions, definition);
    assert.equal(made.code, 201, made.text);
    while ((await call("GET", path("v1"))).code !== 200) await new Promise(setImmediate);
  });
  after(() => server.stop());

  it("have each its own status and scale", async () => {
    const { body } = await call("GET", `/apis/${group}/v2beta1`);
    assert.deepEqual(
      body.resources.map(({ name }: { name: string }) => name),
      ["widgets", "widgets/scale"],
    );
    // Where there is no status of its own, it is written with the object, and counts as a wish.
    const made = await call(
      "POST",
      path("v2beta1"),
      widget("v2beta1", "a", { spec: { size: 3, other: 5 }, status: { ready: 2 } }),
    );
    assert.deepEqual(made.body.status, { ready: 2 });
    const without = await call(
      "POST",
      path("v1"),
      widget("v1", "b", { spec: { size: 3 }, status: { ready: 2 } }),
    );
    assert.deepEqual([without.code, without.body.status], [201, undefined]);
    const changed = await call("PATCH", `${path("v2beta1")}/a`, { status: { ready: 4 } }, merge);
    assert.deepEqual([changed.body.status, changed.body.metadata.generation], [{ ready: 4 }, 2]);
    const unchanged = await call("PATCH", `${path("v1")}/a`, { status: { ready: 6 } }, merge);
    assert.deepEqual(unchanged.body.status, { ready: 4 });
    assert.equal((await call("GET", `${path("v1")}/a/scale`)).body.spec.replicas, 3);
    assert.equal((await call("GET", `${path("v2beta1")}/a/scale`)).body.spec.replicas, 5);
    const scaled = await call("PATCH", `${path("v2beta1")}/a/scale`, { spec: { replicas: 8 } }, merge);
    assert.equal(scaled.body.spec.replicas, 8);
    assert.deepEqual((await call("GET", `${path("v1")}/a`)).body.spec, { size: 3, other: 8 });
    const none = await call("GET", `${path("v1alpha1")}/a/scale`);
    assert.deepEqual(
      [none.code, none.body.message, none.body.details],
      [404, `widgets.${group} "a" not found`, { name: "a", group, kind: "widgets" }],
    );
  });

  it("judge what comes in them by their own schema alone", async () => {
    const large = { spec: { size: 500 } };
    assert.equal((await call("POST", path("v1"), widget("v1", "large", large))).code, 422);
    assert.equal((await call("POST", path("v2beta1"), widget("v2beta1", "large", large))).code, 201);
    // What was wrong before may stay.
    const kept = await call("PATCH", `${path("v1")}/large`, { spec: { other: 1 } }, merge);
    assert.equal(kept.code, 200, kept.text);
    assert.equal((await call("PATCH", `${path("v1")}/large`, { spec: { size: 501 } }, merge)).code, 422);
  });

  it("are told to be old with what to use in their place, and are nowhere but where they are served", async () => {
    const warning = async (version: string) => (await call("GET", path(version))).headers.warning;
    assert.equal(await warning("v1"), undefined);
    assert.equal(
      await warning("v2beta1"),
      `299 - "${group}/v2beta1 Widget is deprecated; use ${group}/v1 Widget"`,
    );
    assert.equal(
      await warning("v1alpha1"),
      `299 - "${group}/v1alpha1 Widget is deprecated; use ${group}/v1 Widget"`,
    );
    for (const url of [
      path("v3"),
      `/apis/${group}/v1/namespaces/default/others`,
      `/apis/${group}/v1/widgets/a`,
    ]) {
      const { code, text } = await call("GET", url);
      assert.deepEqual([code, text], [404, "404 page not found\n"], url);
    }
  });

  // What a kube-apiserver 1.36 answers.
  const unchecked =
    "<nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation";
  const causes = (body: { details: { causes: { field: string; message: string }[] } }) =>
    body.details.causes.map(({ field, message }) => `${field}: ${message}`).sort();
  for (const [spec, problems] of [
    [
      { size: "three" },
      [
        ".spec.size: Invalid value: 0: .spec.size accessor error: three is of the type string, expected int64",
        unchecked,
        'spec.size: Invalid value: "string": spec.size in body must be of type integer: "string"',
      ],
    ],
    [{ size: -1 }, [".spec.size: Invalid value: -1: should be a non-negative integer"]],
    [
      "x",
      [
        ".spec.size: Invalid value: 0: .spec.size accessor error: x is of the type string, expected map[string]interface{}",
        unchecked,
        'spec: Invalid value: "string": spec in body must be of type object: "string"',
      ],
    ],
  ] as const)
    it(`refuse what their scale cannot tell: ${JSON.stringify(spec)}`, async () => {
      const { code, body } = await call("POST", path("v1"), widget("v1", "scaled", { spec }));
      assert.deepEqual([code, causes(body)], [422, [...problems].sort()]);
    });

  it("refuse a status that their scale cannot tell, and leave the rest to it", async () => {
    await call("POST", path("v1"), widget("v1", "told", { spec: { size: 3 } }));
    const status = (body: object) => call("PATCH", `${path("v1")}/told/status?fieldManager=m`, body, merge);
    assert.deepEqual(
      causes((await status({ status: { ready: "x" } })).body),
      [
        ".status.ready: Invalid value: 0: .status.ready accessor error: x is of the type string, expected int64",
        unchecked,
        'status.ready: Invalid value: "string": ready in body must be of type integer: "string"',
      ].sort(),
    );
    const told = await status({ metadata: { labels: { a: "b" } }, spec: { size: 9 }, status: { ready: 2 } });
    assert.deepEqual(
      [told.body.status, told.body.spec, told.body.metadata.labels],
      [{ ready: 2 }, { size: 3 }, undefined],
    );
    const own = told.body.metadata.managedFields.find(({ manager }: { manager: string }) => manager === "m");
    assert.deepEqual(own.fieldsV1, { "f:status": { ".": {}, "f:ready": {} } });
  });

  it("say what else is wrong as Kubernetes does: no name, another kind, labels that are none, elements without a key", async () => {
    const nameless = await call("POST", path("v1"), {
      apiVersion: `${group}/v1`,
      kind: "Widget",
      metadata: {},
      spec: { size: 3 },
    });
    assert.deepEqual(
      causes(nameless.body),
      [unchecked, "metadata.name: Required value: name or generateName is required"].sort(),
    );
    const other = await call("POST", path("v1"), { ...widget("v1", "x", {}), kind: "Nonsense" });
    assert.deepEqual(
      [other.code, other.body.message],
      [422, `Nonsense.${group} "x" is invalid: kind: Invalid value: "Nonsense": must be Widget`],
    );
    const elsewhere = await call("POST", path("v1"), { ...widget("v1", "x", {}), apiVersion: "none/v9" });
    assert.deepEqual(
      [elsewhere.code, elsewhere.body.message],
      [400, `the API version in the data (none/v9) does not match the expected API version (${group}/v1)`],
    );
    const labels = await call("POST", path("v1"), {
      ...widget("v1", "x", {}),
      metadata: { name: "x", labels: "text" },
    });
    assert.match(
      labels.body.message,
      /unmarshal string into Go struct field ObjectMeta\.labels of type map\[string\]string$/,
    );
    const keyless = await call(
      "PATCH",
      `${path("v1")}/keyless?fieldManager=m`,
      widget("v1", "keyless", { items: [{ value: "x" }] }),
      apply,
    );
    assert.deepEqual(
      [keyless.code, keyless.body.message],
      [
        500,
        `failed to create typed patch object (/keyless; ${group}/v1, Kind=Widget): .items: element 0: associative list with keys has an element that omits all key fields ["key"] (and doesn't have default values for any key fields)`,
      ],
    );
  });

  it("are listed as they are, each with its type, since Kubernetes has none of its own for them", async () => {
    for (const version of ["v1", "v2beta1"]) {
      const { body } = await call("GET", path(version));
      assert.equal(body.metadata.continue, "");
      for (const { apiVersion, kind } of body.items)
        assert.deepEqual([apiVersion, kind], [`${group}/${version}`, "Widget"]);
    }
    const gone = await call("DELETE", `${path("v1")}?fieldSelector=metadata.name=b`);
    assert.deepEqual([gone.body.items[0].kind, gone.body.metadata.continue], ["Widget", ""]);
  });

  it("come with definitions that go as Kubernetes' do", async () => {
    const url = `${definitions}/widgets.${group}`;
    const { body } = await call("GET", url);
    const unlike = (preconditions: object) =>
      call("DELETE", url, { kind: "DeleteOptions", apiVersion: "v1", preconditions });
    const text = (why: string) =>
      `Operation cannot be fulfilled on customresourcedefinitions.apiextensions.k8s.io "widgets.${group}": Precondition failed: ${why}`;
    assert.equal(
      (await unlike({ uid: "u" })).body.message,
      text(`UID in precondition: u, UID in object meta: ${body.metadata.uid}`),
    );
    const { resourceVersion } = body.metadata;
    assert.equal(
      (await unlike({ resourceVersion: "1" })).body.message,
      text(`ResourceVersion in precondition: 1, ResourceVersion in object meta: ${resourceVersion}`),
    );
    assert.equal((await call("DELETE", `${url}?dryRun=All`)).body.metadata.generation, 1);
    const nameless = await call("POST", definitions, { ...definition, metadata: {} });
    assert.deepEqual(causes(nameless.body), [
      "metadata.name: Required value: name or generateName is required",
    ]);
  });
});
