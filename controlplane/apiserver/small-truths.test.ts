import assert from "node:assert/strict";
import { startTestApiserver, type TestApiserver } from "./testing.ts";
import { configMap, configMaps, pod } from "./testing-objects.ts";

const pods = "/api/v1/namespaces/default/pods";

describe("what clients read between the lines", () => {
  let server: TestApiserver;
  before(async () => {
    server = await startTestApiserver();
  });
  after(() => server.stop());

  it("gives the OpenAPI v2 document a media type that parses, whichever spelling was asked for", async () => {
    for (const mark of ["@", "."]) {
      const accept = `application/com.github.proto-openapi.spec.v2${mark}v1.0+protobuf`;
      const { headers } = await server.admin.call("GET", "/openapi/v2", { accept });
      assert.equal(headers["content-type"], "application/com.github.proto-openapi.spec.v2.v1.0+protobuf");
    }
  });

  it("refuses every method that a path does not have in the same words", async () => {
    for (const [method, path] of [
      ["PATCH", pods],
      ["POST", `${pods}/p`],
      ["POST", `${pods}/p/log`],
      ["PUT", `${pods}/p/attach`],
      ["GET", `${pods}/p/eviction`],
      ["DELETE", `${pods}/p/status`],
      ["DELETE", "/apis/apps/v1/namespaces/default/deployments/d/scale"],
      ["DELETE", "/api/v1/namespaces"],
      ["POST", "/api/v1"],
    ] as const) {
      const { code, body } = await server.admin.call(method, path);
      assert.equal(code, 405, `${method} ${path}`);
      assert.deepEqual(
        [body.reason, body.message, body.details],
        ["MethodNotAllowed", "the server does not allow this method on the requested resource", {}],
      );
    }
  });

  it("keeps a pod's generation when the pod is bound", async () => {
    await server.admin.call("POST", pods, { body: pod("bound") });
    const binding = {
      apiVersion: "v1",
      kind: "Binding",
      metadata: { name: "bound" },
      target: { name: "n1" },
    };
    assert.equal((await server.admin.call("POST", `${pods}/bound/binding`, { body: binding })).code, 201);
    const { body } = await server.admin.call("GET", `${pods}/bound`);
    assert.deepEqual([body.spec.nodeName, body.metadata.generation], ["n1", 1]);
  });

  it("says that a missing probe port is 0", async () => {
    const body = pod("probed");
    const container = { name: "c", image: "i", livenessProbe: { httpGet: { path: "/" } } };
    const answer = await server.admin.call("POST", pods, {
      body: { ...body, spec: { containers: [container] } },
    });
    assert.match(answer.body.message, /httpGet\.port: Invalid value: 0: must be between 1 and 65535/);
  });

  it("shows no resourceVersion of what was not stored", async () => {
    const { body } = await server.admin.call("POST", `${configMaps}?dryRun=All`, { body: configMap("dry") });
    assert.equal("resourceVersion" in body.metadata, false);
  });

  it("answers dry runs with the metadata of what is stored, a deletion's marks added as the kind has them", async () => {
    const { admin } = server;
    const at = `${configMaps}/rehearsed`;
    const stored = (await admin.call("POST", configMaps, { body: configMap("rehearsed") })).body.metadata;
    const type = "application/merge-patch+json";
    const put = await admin.call("PUT", `${at}?dryRun=All`, { body: configMap("rehearsed") });
    const patched = await admin.call("PATCH", `${at}?dryRun=All`, { body: { data: { b: "1" } }, type });
    assert.deepEqual([put.body.metadata, patched.body.metadata], [stored, stored]);
    await admin.call("POST", "/api/v1/namespaces", { body: { metadata: { name: "rehearsed" } } });
    const deleted = (await admin.call("DELETE", "/api/v1/namespaces/rehearsed?dryRun=All")).body.metadata;
    assert.ok(deleted.deletionTimestamp);
    assert.equal("deletionGracePeriodSeconds" in deleted, false);
  });

  it("serves a kind outside namespaces nowhere inside one", async () => {
    for (const path of ["/api/v1/namespaces/default/nodes", "/api/v1/namespaces/default/nodes/n1"])
      assert.equal((await server.admin.call("GET", path)).code, 404);
    assert.equal((await server.admin.call("GET", "/api/v1/namespaces/default")).code, 200);
  });

  it("writes JSON byte for byte as Go does: <, >, &, U+2028 and U+2029 escaped, in reads, lists and watches", async () => {
    const revisions = "/apis/apps/v1/namespaces/default/controllerrevisions";
    const data = { spec: { args: ["a < b && c > d", "\u2028\u2029"] } };
    const metadata = { name: "escaped", annotations: { a: "<&>" } };
    const body = { apiVersion: "apps/v1", kind: "ControllerRevision", metadata, revision: 1, data };
    const written = '"data":{"spec":{"args":["a \\u003c b \\u0026\\u0026 c \\u003e d","\\u2028\\u2029"]}}';
    const created = await server.admin.call("POST", revisions, { body });
    const read = await server.admin.call("GET", `${revisions}/escaped`);
    const listed = await server.admin.call("GET", revisions);
    const watched = await server.admin.call("GET", `${revisions}?watch=true&timeoutSeconds=1`);
    for (const { text } of [created, read, listed, watched]) {
      assert.ok(text.includes(written), text);
      assert.doesNotMatch(text, /[<>&\u2028\u2029]/);
    }
    assert.deepEqual([read.body.data, read.body.metadata.annotations], [data, metadata.annotations]);
    const missing = await server.admin.call("GET", `${configMaps}/a%26b`);
    assert.match(missing.text, /a\\u0026b/);
  });

  it("gives pods defaults that templates do not have: service links, requests, host ports", async () => {
    const container = {
      name: "c",
      image: "i",
      resources: { limits: { cpu: "1" } },
      ports: [{ containerPort: 80 }],
    };
    const spec = { hostNetwork: true, containers: [container] };
    const podMade = await server.admin.call("POST", pods, { body: { ...pod("defaulted"), spec } });
    const template = { metadata: { labels: { a: "b" } }, spec };
    const made = await server.admin.call("POST", "/apis/apps/v1/namespaces/default/daemonsets", {
      body: {
        apiVersion: "apps/v1",
        kind: "DaemonSet",
        metadata: { name: "defaulted" },
        spec: { selector: { matchLabels: { a: "b" } }, template },
      },
    });
    const told = ({
      enableServiceLinks,
      containers,
    }: {
      enableServiceLinks?: boolean;
      containers: Told[];
    }) => [enableServiceLinks, containers[0]?.resources.requests, containers[0]?.ports[0]?.hostPort];
    assert.deepEqual(told(podMade.body.spec), [true, { cpu: "1" }, 80]);
    assert.deepEqual(told(made.body.spec.template.spec), [undefined, undefined, undefined]);
  });

  it("refuses options of a write that mean nothing: a field manager that is no name, force without apply", async () => {
    const named = (manager: string) =>
      server.admin.call("POST", `${configMaps}?fieldManager=${manager}`, { body: configMap("optioned") });
    const long = await named("m".repeat(129));
    assert.deepEqual(
      [long.code, long.body.message],
      [
        422,
        'CreateOptions.meta.k8s.io "" is invalid: fieldManager: Too long: may not be more than 128 bytes',
      ],
    );
    assert.match(
      (await named("a%0Ab")).body.message,
      /Invalid value: "a\\nb": invalid character U\+000A \(at position 1\)$/,
    );
    assert.equal((await named("m".repeat(128))).code, 201);
    const change = (query: string, type: string) =>
      server.admin.call("PATCH", `${configMaps}/optioned?${query}`, { body: { data: {} }, type });
    const forced = await change("force=true", "application/merge-patch+json");
    assert.deepEqual(
      [forced.code, forced.body.message],
      [
        422,
        'PatchOptions.meta.k8s.io "" is invalid: force: Forbidden: may not be specified for non-apply patch',
      ],
    );
    const nobody = await change("force=true", "application/apply-patch+yaml");
    assert.deepEqual(
      [nobody.code, nobody.body.message],
      [
        422,
        'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
      ],
    );
    const odd = await change("dryRun=Some", "application/merge-patch+json");
    assert.equal(odd.body.details.kind, "PatchOptions");
  });

  it("selects events by reportingController in their new group", async () => {
    const events = "/apis/events.k8s.io/v1/events?fieldSelector=reportingController=x";
    assert.equal((await server.admin.call("GET", events)).code, 200);
  });

  it("selects by the fields that each kind has in Kubernetes, and refuses others in its words", async () => {
    const asked = async (path: string) => (await server.admin.call("GET", path)).body.message;
    assert.equal(await asked("/api/v1/pods?fieldSelector=status.podIPs=x,spec.host=n1"), undefined);
    assert.equal(
      await asked("/apis/apps/v1/replicasets?fieldSelector=status.replicas=1"),
      '"status.replicas" is not a known field selector: only "metadata.name", "metadata.namespace"',
    );
    assert.equal(
      await asked("/apis/batch/v1/jobs?watch=1&fieldSelector=a=b"),
      'field label "a" not supported for Job',
    );
    assert.equal(await asked("/api/v1/nodes?fieldSelector=a=b"), "field label not supported: a");
  });

  it("gives whoever scales the replicas, so that a later apply of them conflicts", async () => {
    const path = "/apis/apps/v1/namespaces/default/deployments/scaled";
    const labels = { app: "a" };
    const template = { metadata: { labels }, spec: { containers: [{ name: "c", image: "i" }] } };
    const spec = { replicas: 1, selector: { matchLabels: labels }, template };
    const body = { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "scaled" }, spec };
    const type = "application/apply-patch+yaml";
    const apply = (object: unknown) =>
      server.admin.call("PATCH", `${path}?fieldManager=me`, { body: object, type });
    assert.equal((await apply(body)).code, 201);
    const scale = await server.admin.call("PATCH", `${path}/scale?fieldManager=scaler`, {
      body: { spec: { replicas: 3 } },
      type: "application/merge-patch+json",
    });
    assert.equal(scale.code, 200);
    const again = await apply({ ...body, spec: { ...spec, replicas: 2 } });
    assert.equal(again.code, 409);
    assert.match(again.body.message, /conflict with "scaler".*spec\.replicas/);
  });
});

interface Told {
  readonly resources: { readonly requests?: object };
  readonly ports: readonly { readonly hostPort?: number }[];
}
