import assert from "node:assert/strict";
import { startTestApiserver, type TestApiserver } from "../testing.ts";

const definition = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "crontabs.stable.example.com" },
  spec: {
    group: "stable.example.com",
    scope: "Namespaced",
    names: {
      plural: "crontabs",
      singular: "crontab",
      kind: "CronTab",
      shortNames: ["ct"],
      categories: ["all"],
    },
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: "object",
            properties: {
              spec: {
                type: "object",
                required: ["cronSpec"],
                properties: {
                  cronSpec: { type: "string", pattern: "^(\\d+|\\*)(/\\d+)?(\\s+(\\d+|\\*)(/\\d+)?){4}$" },
                  image: { type: "string", default: "busybox" },
                  replicas: { type: "integer", minimum: 1, maximum: 10 },
                },
              },
              status: {
                type: "object",
                properties: { replicas: { type: "integer" }, selector: { type: "string" } },
              },
            },
          },
        },
        subresources: {
          status: {},
          scale: {
            specReplicasPath: ".spec.replicas",
            statusReplicasPath: ".status.replicas",
            labelSelectorPath: ".status.selector",
          },
        },
        additionalPrinterColumns: [
          { name: "Spec", type: "string", jsonPath: ".spec.cronSpec" },
          { name: "Replicas", type: "integer", jsonPath: ".spec.replicas" },
          { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" },
        ],
        selectableFields: [{ jsonPath: ".spec.image" }],
      },
      {
        name: "v1beta1",
        served: true,
        storage: false,
        schema: {
          openAPIV3Schema: {
            type: "object",
            properties: {
              spec: {
                type: "object",
                "x-kubernetes-preserve-unknown-fields": true,
                properties: { cronSpec: { type: "string" }, mood: { type: "string", default: "calm" } },
              },
            },
          },
        },
        selectableFields: [{ jsonPath: ".spec.cronSpec" }, { jsonPath: ".spec.mood" }],
      },
    ],
  },
};
const cronTab = (name: string, spec: object) => ({
  apiVersion: "stable.example.com/v1",
  kind: "CronTab",
  metadata: { name, namespace: "default" },
  spec,
});
const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const cronTabs = "/apis/stable.example.com/v1/namespaces/default/crontabs";

describe("custom resources", () => {
  let server: TestApiserver;
  before(async () => {
    server = await startTestApiserver();
  });
  after(() => server.stop());

  const call = async (method: string, path: string, body?: object, type?: string) => {
    const { code, text } = await server.admin.call(method, path, {
      ...(body && { body: JSON.stringify(body) }),
      ...(type !== undefined && { type }),
    });
    return { code, body: text.startsWith("{") ? JSON.parse(text) : text };
  };
  /** Asks until the answer fits; the test's own time limit bounds it. */
  const eventually = async (path: string, fits: (answer: Awaited<ReturnType<typeof call>>) => boolean) => {
    for (;;) {
      const answer = await call("GET", path);
      if (fits(answer)) return answer;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  const until = (path: string, code: number) => eventually(path, (answer) => answer.code === code);

  it("are served as their definition says, from its creation on", async () => {
    assert.equal((await call("GET", cronTabs)).code, 404);
    const made = await call("POST", definitions, definition);
    assert.equal(made.code, 201, JSON.stringify(made.body));
    assert.deepEqual(made.body.status.storedVersions, ["v1"]);
    await until(cronTabs, 200);
    const { body } = await call("GET", `${definitions}/crontabs.stable.example.com`);
    assert.deepEqual(
      body.status.conditions.map(({ type, status, reason }: Record<string, string>) => [
        type,
        status,
        reason,
      ]),
      [
        ["NamesAccepted", "True", "NoConflicts"],
        ["Established", "True", "InitialNamesAccepted"],
      ],
    );
  });

  it("are defaulted, pruned and validated by their schema", async () => {
    const created = await call("POST", cronTabs, cronTab("a", { cronSpec: "* * * * */5", foo: 1 }));
    assert.equal(created.code, 201, JSON.stringify(created.body));
    assert.deepEqual(created.body.spec, { cronSpec: "* * * * */5", image: "busybox" });
    assert.equal(created.body.metadata.generation, 1);
    const refused = await call("POST", cronTabs, cronTab("b", { cronSpec: "x", replicas: 11 }));
    assert.equal(refused.code, 422);
    assert.deepEqual(
      refused.body.details.causes
        .map(({ field, message }: Record<string, string>) => `${field}: ${message}`)
        .sort(),
      [
        "spec.cronSpec: Invalid value: \"x\": spec.cronSpec in body should match '^(\\d+|\\*)(/\\d+)?(\\s+(\\d+|\\*)(/\\d+)?){4}$'",
        "spec.replicas: Invalid value: 11: spec.replicas in body should be less than or equal to 10",
      ],
    );
    const strict = await call(
      "POST",
      `${cronTabs}?fieldValidation=Strict`,
      cronTab("b", { cronSpec: "* * * * *", foo: 1 }),
    );
    assert.equal(strict.code, 400);
    assert.match(strict.body.message, /strict decoding error: unknown field "spec\.foo"/);
    const several = await call("POST", `${cronTabs}?fieldValidation=Strict`, {
      ...cronTab("b", { cronSpec: "* * * * *", foo: 1, bar: 1 }),
      extra: 1,
    });
    assert.match(several.body.message, /"extra", unknown field "spec\.bar", unknown field "spec\.foo"$/);
  });

  it("are patched, scaled and given a status, each counting for the generation as in Kubernetes", async () => {
    const merged = await call(
      "PATCH",
      `${cronTabs}/a`,
      { spec: { replicas: 2 } },
      "application/merge-patch+json",
    );
    assert.equal(merged.body.metadata.generation, 2, JSON.stringify(merged.body));
    const strategic = await call("PATCH", `${cronTabs}/a`, {}, "application/strategic-merge-patch+json");
    assert.equal(strategic.code, 415);
    const status = await call(
      "PATCH",
      `${cronTabs}/a/status`,
      { status: { replicas: 2, selector: "a=b" }, spec: { replicas: 9 } },
      "application/merge-patch+json",
    );
    assert.deepEqual(
      [status.body.spec.replicas, status.body.status.replicas, status.body.metadata.generation],
      [2, 2, 2],
    );
    const scale = await call("GET", `${cronTabs}/a/scale`);
    assert.deepEqual(
      [scale.body.spec, scale.body.status],
      [{ replicas: 2 }, { replicas: 2, selector: "a=b" }],
    );
    const scaled = await call(
      "PATCH",
      `${cronTabs}/a/scale`,
      { spec: { replicas: 3 } },
      "application/merge-patch+json",
    );
    assert.equal(scaled.code, 200, JSON.stringify(scaled.body));
    assert.equal((await call("GET", `${cronTabs}/a`)).body.spec.replicas, 3);
  });

  it("say where their replicas should stand when they have none, and get them by a scale that says how many", async () => {
    await call("POST", cronTabs, cronTab("unscaled", { cronSpec: "* * * * *" }));
    const scale = `${cronTabs}/unscaled/scale`;
    const { code, body } = await call("GET", scale);
    assert.deepEqual(
      [code, body.reason, body.message],
      [
        500,
        "InternalError",
        'Internal error occurred: the spec replicas field ".spec.replicas" does not exist',
      ],
    );
    const merge = (patch: object) => call("PATCH", scale, patch, "application/merge-patch+json");
    const empty = await merge({});
    assert.deepEqual(
      [empty.code, empty.body.message],
      [400, 'the spec replicas field ".spec.replicas" cannot be empty'],
    );
    const scaled = await merge({ spec: { replicas: 3 } });
    assert.deepEqual([scaled.code, scaled.body.spec], [200, { replicas: 3 }]);
    assert.deepEqual((await call("GET", scale)).body.spec, { replicas: 3 });
    await call("DELETE", `${cronTabs}/unscaled`);
  });

  it("can be applied by the server, which keeps record of who set what", async () => {
    const apply = (spec: object) =>
      call(
        "PATCH",
        `${cronTabs}/applied?fieldManager=me&fieldValidation=Strict`,
        cronTab("applied", spec),
        "application/apply-patch+yaml",
      );
    const made = await apply({ cronSpec: "* * * * *", replicas: 2 });
    assert.equal(made.code, 201, JSON.stringify(made.body));
    assert.equal(made.body.spec.image, "busybox");
    const less = await apply({ cronSpec: "1 * * * *" });
    assert.equal(less.code, 200, JSON.stringify(less.body));
    assert.deepEqual(less.body.spec, { cronSpec: "1 * * * *", image: "busybox" });
    const [owner] = less.body.metadata.managedFields;
    assert.deepEqual([owner.manager, owner.operation], ["me", "Apply"]);
    // What its schema does not know cannot be applied: Kubernetes calls that an error of its own.
    assert.equal((await apply({ cronSpec: "* * * * *", unknown: 1 })).code, 500);
    await call("DELETE", `${cronTabs}/applied`);
  });

  it("say of what stands twice in what is applied: an error, a warning, or nothing, as the client asks", async () => {
    const text =
      'apiVersion: stable.example.com/v1\nkind: CronTab\nmetadata:\n  name: twice\nspec:\n  cronSpec: "1 * * * *"\n  cronSpec: "2 * * * *"\n';
    const apply = (validation: string) =>
      server.admin.call(
        "PATCH",
        `${cronTabs}/twice?fieldManager=me&fieldValidation=${validation}&dryRun=All`,
        {
          body: text,
          type: "application/apply-patch+yaml",
        },
      );
    const found = 'line 7: key "cronSpec" already set in map';
    const strict = await apply("Strict");
    assert.deepEqual(
      [strict.code, strict.body.message],
      [400, `error strict decoding YAML: error converting YAML to JSON: yaml: unmarshal errors:\n  ${found}`],
    );
    const warned = await apply("Warn");
    assert.equal(warned.code, 201);
    assert.equal(warned.headers.warning, `299 - ${JSON.stringify(found)}`);
    assert.equal((await apply("Ignore")).headers.warning, undefined);
  });

  it("are selected by the fields of the version they are asked for in", async () => {
    const beta = "/apis/stable.example.com/v1beta1/namespaces/default/crontabs";
    await call("POST", cronTabs, cronTab("picked", { cronSpec: "3 * * * *" }));
    const names = async (selector: string) => {
      const { code, body } = await call("GET", `${beta}?fieldSelector=${encodeURIComponent(selector)}`);
      return code === 200
        ? body.items.map(({ metadata }: { metadata: { name: string } }) => metadata.name)
        : body.message;
    };
    assert.deepEqual(await names("spec.cronSpec=3 * * * *"), ["picked"]);
    // Its own default; the stored version has none of this name.
    assert.deepEqual(await names("spec.mood=calm,metadata.name=picked"), ["picked"]);
    assert.match(await names("spec.image=busybox"), /field label not supported: spec\.image/);
    await call("DELETE", `${cronTabs}/picked`);
  });

  it("can be applied in a version that is not the stored one, and nothing is owned but what was given", async () => {
    const path =
      "/apis/stable.example.com/v1beta1/namespaces/default/crontabs/old?fieldManager=me&force=true&fieldValidation=Strict";
    const apiVersion = "stable.example.com/v1beta1";
    const patch = { ...cronTab("old", { cronSpec: "* * * * *" }), apiVersion };
    for (const code of [201, 200]) {
      const made = await call("PATCH", path, patch, "application/apply-patch+yaml");
      assert.equal(made.code, code, JSON.stringify(made.body));
      assert.equal(made.body.apiVersion, apiVersion);
      assert.deepEqual(made.body.metadata.managedFields[0].fieldsV1, { "f:spec": { "f:cronSpec": {} } });
    }
    await call("DELETE", `${cronTabs}/old`);
  });

  it("are shown in their columns, selected by their fields, and served in every version", async () => {
    const { text } = await server.admin.call("GET", cronTabs, {
      accept: "application/json;as=Table;v=v1;g=meta.k8s.io",
    });
    const table = JSON.parse(text);
    assert.deepEqual(
      table.columnDefinitions.map(({ name }: { name: string }) => name),
      ["Name", "Spec", "Replicas", "Age"],
    );
    assert.deepEqual(table.rows[0].cells.slice(0, 3), ["a", "* * * * */5", 3]);
    const chosen = async (selector: string) => {
      const { code, body } = await call("GET", `${cronTabs}?fieldSelector=${encodeURIComponent(selector)}`);
      return code === 200 ? body.items.length : code;
    };
    assert.deepEqual(
      [await chosen("spec.image=busybox"), await chosen("spec.image=x"), await chosen("spec.replicas=3")],
      [1, 0, 400],
    );
    const old = await call("GET", "/apis/stable.example.com/v1beta1/namespaces/default/crontabs/a");
    assert.equal(old.body.apiVersion, "stable.example.com/v1beta1");
    const group = await call("GET", "/apis/stable.example.com");
    assert.equal(group.body.preferredVersion.version, "v1");
  });

  it("are described in the schema document of their group and version", async () => {
    const document = await call("GET", "/openapi/v3/apis/stable.example.com/v1");
    const { schemas } = document.body.components;
    assert.deepEqual(schemas["com.example.stable.v1.CronTab"]["x-kubernetes-group-version-kind"], [
      { group: "stable.example.com", version: "v1", kind: "CronTab" },
    ]);
    assert.equal(
      schemas["com.example.stable.v1.CronTab"].properties.spec.properties.image.default,
      "busybox",
    );
    assert.deepEqual(schemas["com.example.stable.v1.CronTabList"].properties.items.items, {
      $ref: "#/components/schemas/com.example.stable.v1.CronTab",
    });
  });

  it("show a changed definition at once, without their watches' ends being lost", async () => {
    const changed = await call(
      "PATCH",
      `${definitions}/crontabs.stable.example.com`,
      [
        {
          op: "add",
          path: "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/extra",
          value: { type: "string", default: "new" },
        },
      ],
      "application/json-patch+json",
    );
    assert.equal(changed.code, 200, JSON.stringify(changed.body));
    await eventually(`${cronTabs}/a`, ({ body }) => body.spec?.extra === "new");
  });

  it("refuse names that another definition holds", async () => {
    const other = structuredClone(definition);
    other.metadata.name = "others.stable.example.com";
    Object.assign(other.spec.names, { plural: "others", singular: "other", kind: "CronTab" });
    await call("POST", definitions, other);
    for (;;) {
      const { body } = await call("GET", `${definitions}/others.stable.example.com`);
      const names = (body.status?.conditions ?? []).find(
        ({ type }: { type: string }) => type === "NamesAccepted",
      );
      if (names !== undefined) {
        assert.deepEqual(
          [names.status, names.reason, names.message],
          ["False", "ListKindConflict", '"CronTabList" is already in use'],
        );
        break;
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assert.equal((await call("GET", "/apis/stable.example.com/v1/namespaces/default/others")).code, 404);
  });

  it("go with their definition, which waits for the last of them", async () => {
    await call(
      "PATCH",
      `${cronTabs}/a`,
      { metadata: { finalizers: ["example.com/keep"] } },
      "application/merge-patch+json",
    );
    const gone = await call("DELETE", `${definitions}/crontabs.stable.example.com`);
    assert.equal(gone.code, 200);
    await eventually(`${cronTabs}/a`, ({ body }) => body.metadata?.deletionTimestamp !== undefined);
    assert.equal((await call("GET", `${definitions}/crontabs.stable.example.com`)).code, 200);
    await call("PATCH", `${cronTabs}/a`, { metadata: { finalizers: null } }, "application/merge-patch+json");
    await until(`${definitions}/crontabs.stable.example.com`, 404);
    await until(cronTabs, 404);
  });
});
