import assert from "node:assert/strict";
import { startTestApiserver, type TestApiserver } from "./testing.ts";
import { configMap, configMaps, pod } from "./testing-objects.ts";

const pods = "/api/v1/namespaces/default/pods";
const deployments = "/apis/apps/v1/namespaces/default/deployments";
const undeterminable = (name: string) =>
  `the name of the object (${name} based on URL) was undeterminable: name must be provided`;
const mismatch = (name: string, url: string) =>
  `the name of the object (${name}) does not match the name on the URL (${url})`;
const otherNamespace =
  "the namespace of the provided object does not match the namespace sent on the request";

/** The wanted answers were recorded from a kube-apiserver of 1.36. */
describe("requests that name another object than their URL, or none", () => {
  let api: TestApiserver;
  before(async () => {
    api = await startTestApiserver();
    await api.admin.call("POST", pods, { body: pod("p") });
    await api.admin.call("POST", configMaps, { body: configMap("c") });
    await api.admin.call("POST", deployments, { body: deployment });
  });
  after(() => api.stop());

  /** Asks, and tells that nothing was changed. */
  const refused = async (
    method: string,
    path: string,
    body: unknown,
    message: string | RegExp,
    type?: string,
  ) => {
    const object = path.replace(/\/(status|scale|binding|eviction)$/, "");
    const { body: before } = await api.admin.call("GET", object);
    const answer = await api.admin.call(method, path, { body, ...(type !== undefined && { type }) });
    const what = `${method} ${path} ${JSON.stringify(body)}`;
    assert.equal(answer.code, 400, `${what}: ${JSON.stringify(answer.body)}`);
    if (typeof message === "string") assert.equal(answer.body.message, message, what);
    else assert.match(answer.body.message, message, what);
    assert.deepEqual((await api.admin.call("GET", object)).body, before, what);
  };

  it("replace nothing: objects, statuses, scales", async () => {
    for (const [path, name] of [
      [`${configMaps}/c`, "c"],
      [`${pods}/p/status`, "p"],
      [`${deployments}/d/status`, "d"],
      [`${deployments}/d/scale`, "d"],
    ] as const) {
      await refused("PUT", path, {}, undeterminable(name));
      await refused("PUT", path, { metadata: { name: "x" } }, mismatch("x", name));
      await refused("PUT", path, { metadata: { name, namespace: "other" } }, otherNamespace);
    }
  });

  it("patch nothing", async () => {
    const merge = "application/merge-patch+json";
    await refused("PATCH", `${configMaps}/c`, { metadata: { name: null } }, undeterminable("c"), merge);
    await refused("PATCH", `${pods}/p/status`, { metadata: { name: "x" } }, mismatch("x", "p"), merge);
    await refused("PATCH", `${pods}/p/status`, { metadata: null }, undeterminable("p"), merge);
    const other = await api.admin.call("PATCH", `${deployments}/d/scale`, {
      body: { kind: "Pod" },
      type: merge,
    });
    assert.equal(other.code, 422, other.text);
    assert.match(
      other.body.message,
      /^ "" is invalid: patch: Invalid value: .*: no kind "Pod" is registered/,
    );
    const applied = { apiVersion: "v1", kind: "ConfigMap" };
    const apply = { body: applied, type: "application/apply-patch+yaml" };
    const unnamed = await api.admin.call("PATCH", `${configMaps}/new?fieldManager=m`, apply);
    assert.deepEqual([unnamed.code, unnamed.body.message], [400, undeterminable("new")]);
    const merged = await api.admin.call("PATCH", `${configMaps}/c?fieldManager=m&dryRun=All`, apply);
    assert.deepEqual([merged.code, merged.body.metadata.name], [200, "c"]);
  });

  it("neither bind nor evict", async () => {
    const target = { name: "n1" };
    for (const [subresource, kind] of [
      ["binding", "Binding"],
      ["eviction", "Eviction"],
    ] as const) {
      const path = `${pods}/p/${subresource}`;
      const more = kind === "Binding" ? { target } : {};
      const text = `name in URL does not match name in ${kind} object`;
      await refused("POST", path, more, text);
      await refused("POST", path, { metadata: { name: "x" }, ...more }, text);
      await refused("POST", path, { metadata: { name: "p", namespace: "other" }, ...more }, otherNamespace);
      const otherKind = { apiVersion: "v1", kind: "Pod", metadata: { name: "p" }, ...more };
      await refused("POST", path, otherKind, new RegExp(`cannot be handled as a ${kind}`));
      const otherVersion = { apiVersion: "v9", kind, metadata: { name: "p" }, ...more };
      await refused("POST", path, otherVersion, new RegExp(`cannot be handled as a ${kind}`));
    }
  });

  it("delete nothing where the options are of another kind or cannot be read", async () => {
    for (const [body, message] of [
      [{ kind: "Pod", apiVersion: "v1" }, /^no kind "Pod" is registered for version "v1"/],
      [
        { dryRun: "All" },
        "json: cannot unmarshal string into Go struct field DeleteOptions.dryRun of type []string",
      ],
      [{ preconditions: 5 }, /DeleteOptions\.preconditions of type v1\.Preconditions$/],
      [{ preconditions: { uid: 5 } }, /preconditions\.uid of type/],
      [{ orphanDependents: "true" }, /DeleteOptions\.orphanDependents of type bool$/],
      [{ propagationPolicy: 5 }, /DeleteOptions\.propagationPolicy/],
    ] as const) {
      await refused("DELETE", `${configMaps}/c`, body, message);
      await refused("DELETE", configMaps, body, message);
    }
    const options = { kind: "DeleteOptions", apiVersion: "apps/v1", dryRun: ["All"] };
    assert.equal((await api.admin.call("DELETE", `${configMaps}/c`, { body: options })).code, 200);
  });

  it("scale nothing beyond 32 bits or of another uid", async () => {
    const path = `${deployments}/d/scale`;
    const named = (more: object) => ({ metadata: { name: "d" }, ...more });
    await refused("PUT", path, named({ spec: { replicas: 3_000_000_000 } }), /of type int32$/);
    await refused("PUT", path, named({ spec: { replicas: "3" } }), /of type int32$/);
    const other = await api.admin.call("PUT", path, { body: { metadata: { name: "d", uid: "zz" } } });
    assert.deepEqual([other.code, other.body.reason], [409, "Conflict"]);
  });
});

const deployment = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "d" },
  spec: {
    replicas: 2,
    selector: { matchLabels: { a: "b" } },
    template: {
      metadata: { labels: { a: "b" } },
      spec: { containers: [{ name: "m", image: "x" }] },
    },
  },
};
