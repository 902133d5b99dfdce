import assert from "node:assert/strict";
import { startTestApiserver, type TestApiserver } from "./testing.ts";
import { configMap, configMaps, pod } from "./testing-objects.ts";

const table = "application/json;as=Table;g=meta.k8s.io;v=v1";
const metadata = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
const metadataList = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
const scale = "/apis/apps/v1/namespaces/default/deployments/d/scale";
const pods = "/api/v1/namespaces/default/pods";

/** The wanted answers were recorded from a kube-apiserver of 1.36. */
describe("the forms of meta.k8s.io: Table, PartialObjectMetadata", () => {
  let server: TestApiserver;
  before(async () => {
    server = await startTestApiserver();
    await server.admin.call("POST", pods, { body: pod("p") });
    await server.admin.call("POST", "/apis/apps/v1/namespaces/default/deployments", { body: deployment });
  });
  after(() => server.stop());
  const ask = (accept: string, method: string, path: string, body?: unknown, type?: string) =>
    server.admin.call(method, path, {
      accept,
      ...(body !== undefined && { body }),
      ...(type !== undefined && { type }),
    });

  it("shows a Scale in its own columns, whether it is read, written or patched", async () => {
    const { body: now } = await ask("application/json", "GET", scale);
    for (const answer of [
      await ask(table, "GET", scale),
      await ask(table, "PUT", scale, now),
      await ask(table, "PATCH", scale, { spec: { replicas: 2 } }, "application/merge-patch+json"),
    ]) {
      assert.deepEqual(
        [answer.code, answer.body.kind, answer.body.apiVersion],
        [200, "Table", "meta.k8s.io/v1"],
      );
      assert.deepEqual(
        answer.body.columnDefinitions.map((one: Column) => [one.name, one.type, one.format, one.priority]),
        [
          ["Name", "string", "", 0],
          ["Desired", "integer", "", 0],
          ["Available", "integer", "", 0],
          ["Age", "string", "", 0],
        ],
      );
      const [row] = answer.body.rows;
      assert.deepEqual(row.cells.slice(0, 3), ["d", 2, 0]);
      assert.match(row.cells[3], /^\d+s$/);
      assert.equal(row.object.kind, "PartialObjectMetadata");
      const shown = ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"];
      assert.deepEqual(Object.keys(row.object.metadata), shown);
      assert.equal(answer.body.metadata.resourceVersion, row.object.metadata.resourceVersion);
    }
    const whole = await ask(table, "GET", `${scale}?includeObject=Object`);
    const { kind, apiVersion, spec, status } = whole.body.rows[0].object;
    assert.deepEqual([kind, apiVersion, spec], ["Scale", "autoscaling/v1", { replicas: 2 }]);
    assert.deepEqual(status, { replicas: 0, selector: "a=b" });
    const bare = await ask(metadata, "GET", scale);
    assert.deepEqual(
      [bare.body.kind, bare.body.metadata.name, bare.body.spec],
      ["PartialObjectMetadata", "d", undefined],
    );
  });

  it("takes no Scale of another name, and leaves out a Scale's zero", async () => {
    const { body: now } = await ask("application/json", "GET", scale);
    const other = { ...now, metadata: { ...now.metadata, name: "other" }, spec: { replicas: 7 } };
    const refused = await ask("application/json", "PUT", scale, other);
    assert.deepEqual(
      [refused.code, refused.body.message],
      [400, "the name of the object (other) does not match the name on the URL (d)"],
    );
    const none = { ...now, spec: { replicas: 0 } };
    assert.deepEqual((await ask("application/json", "PUT", `${scale}?dryRun=All`, none)).body.spec, {});
  });

  it("shows a status as its object's table", async () => {
    const { body } = await ask(table, "GET", "/apis/apps/v1/namespaces/default/deployments/d/status");
    const names = body.columnDefinitions.map(({ name }: Column) => name);
    assert.deepEqual(names.slice(0, 4), ["Name", "Ready", "Up-to-date", "Available"]);
  });

  it("has no table of reviews, bindings, evictions: 406, and nothing is done", async () => {
    const binding = { apiVersion: "v1", kind: "Binding", metadata: { name: "p" }, target: { name: "n" } };
    const eviction = { apiVersion: "policy/v1", kind: "Eviction", metadata: { name: "p" } };
    for (const [path, body] of [
      [`${pods}/p/binding`, binding],
      ["/api/v1/namespaces/default/bindings", binding],
      [`${pods}/p/eviction`, eviction],
      ["/apis/authentication.k8s.io/v1/selfsubjectreviews", selfReview],
      ["/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", accessReview],
    ] as const) {
      const answer = await ask(table, "POST", path, body);
      assert.deepEqual([answer.code, answer.body.reason], [406, "NotAcceptable"], path);
      assert.match(answer.body.message, /^only the following media types are accepted: application\/json/);
    }
    const { body } = await ask("application/json", "GET", `${pods}/p`);
    assert.equal(body.spec.nodeName, undefined);
    const fallback = await ask(`${table}, application/json`, "POST", `${pods}/p/binding`, binding);
    assert.deepEqual([fallback.code, fallback.body.kind], [201, "Status"]);
  });

  it("refuses to leave something else out of a table's rows than it can", async () => {
    const odd = await ask(table, "GET", `${configMaps}?includeObject=Odd`);
    assert.deepEqual(
      [odd.code, odd.body.message],
      [
        400,
        "Unable to convert to Table as requested: includeObject: Invalid value: \"Odd\": must be 'Metadata', 'Object', 'None', or empty",
      ],
    );
  });

  it("shows the metadata of reviews, and a Status as it is", async () => {
    const access = await ask(
      metadata,
      "POST",
      "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
      accessReview,
    );
    const { kind, metadata: shown } = access.body;
    assert.deepEqual(
      [access.code, kind, Object.keys(shown)],
      [201, "PartialObjectMetadata", ["managedFields"]],
    );
    const self = await ask(metadata, "POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", selfReview);
    assert.deepEqual(Object.keys(self.body.metadata), ["creationTimestamp"]);
    await server.admin.call("POST", configMaps, { body: configMap("gone") });
    const deleted = await ask(metadata, "DELETE", `${configMaps}/gone`);
    assert.deepEqual([deleted.code, deleted.body.kind], [200, "Status"]);
  });

  it("gives the metadata of a list only as a list, and of one object only as one", async () => {
    for (const [accept, path, message] of [
      [
        metadata,
        pods,
        "you requested PartialObjectMetadata, but the requested object is a list (*core.PodList)",
      ],
      [
        metadataList,
        `${pods}/p`,
        "you requested PartialObjectMetadataList, but the requested object is not a list (*core.Pod)",
      ],
      [
        metadataList,
        scale,
        "you requested PartialObjectMetadataList, but the requested object is not a list (*autoscaling.Scale)",
      ],
    ] as const) {
      const { code, body } = await ask(accept, "GET", path);
      assert.deepEqual([code, body.reason, body.message], [406, "NotAcceptable", message]);
    }
    assert.equal((await ask(metadataList, "GET", pods)).body.kind, "PartialObjectMetadataList");
  });

  it("tells the columns of a watch with its first table only, bookmarks among them", async () => {
    await server.admin.call("POST", configMaps, { body: configMap("t1") });
    await server.admin.call("POST", configMaps, { body: configMap("t2") });
    const begin = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
    const lines = server.admin.watch(`${configMaps}?watch=true&${begin}&includeObject=None`, table);
    const columns: unknown[] = [];
    for await (const { type, object } of lines) {
      columns.push(object.columnDefinitions);
      for (const row of object.rows) assert.equal(row.object, null);
      if (type === "BOOKMARK") break;
    }
    assert.ok(Array.isArray(columns[0]) && columns.length >= 3, String(columns.length));
    assert.deepEqual(new Set(columns.slice(1)), new Set([null]));
  });

  it("has no reduced form of what can be discovered: 406", async () => {
    for (const path of ["/api", "/apis", "/api/v1", "/apis/apps", "/apis/apps/v1"])
      for (const accept of [table, metadata]) assert.equal((await ask(accept, "GET", path)).code, 406, path);
    assert.equal((await ask(table, "GET", "/version")).code, 200);
  });
});

interface Column {
  readonly name: string;
  readonly type: string;
  readonly format: string;
  readonly priority: number;
}

const selfReview = { apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview" };
const accessReview = {
  apiVersion: "authorization.k8s.io/v1",
  kind: "SelfSubjectAccessReview",
  spec: { nonResourceAttributes: { path: "/", verb: "get" } },
};
const deployment = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "d" },
  spec: {
    replicas: 2,
    selector: { matchLabels: { a: "b" } },
    template: {
      metadata: { labels: { a: "b" } },
      spec: { containers: [{ name: "c", image: "i" }] },
    },
  },
};
