import assert from "node:assert/strict";
import { get as httpsGet } from "node:https";
import type { Storage } from "./registry/storage.ts";
import { startTestApiserver, type TestApiserver, type TestClient } from "./testing.ts";
import { configMap, configMaps, pod, service } from "./testing-objects.ts";

/** What the API promises of deletion, of single kinds, and of who may do what, on any storage. */
export function kindsSuite(name: string, openStorage: () => Promise<Storage>): void {
  describe(`kinds on ${name}`, () => {
    let server: TestApiserver;
    let admin: TestClient;
    before(async () => {
      server = await startTestApiserver({ storage: await openStorage() });
      ({ admin } = server);
    });
    after(() => server.stop());
    const post = async (path: string, body: unknown) => (await admin.call("POST", path, { body })).body;
    const get = async (path: string) => (await admin.call("GET", path)).body;

    it("keeps objects until their finalizers are gone", async () => {
      await post(configMaps, {
        ...configMap("held"),
        metadata: { name: "held", finalizers: ["example.com/hold"] },
      });
      const { body: deleting } = await admin.call("DELETE", `${configMaps}/held`);
      assert.ok(deleting.metadata.deletionTimestamp);
      const patch = (body: unknown) =>
        admin.call("PATCH", `${configMaps}/held`, { type: "application/merge-patch+json", body });
      const more = await patch({ metadata: { finalizers: ["example.com/hold", "example.com/more"] } });
      assert.deepEqual([more.code, more.body.reason], [422, "Invalid"]);
      const undone = await patch({ metadata: { deletionTimestamp: null }, data: { a: "b" } });
      assert.equal(undone.body.metadata.deletionTimestamp, deleting.metadata.deletionTimestamp);
      assert.equal((await patch({ metadata: { finalizers: null } })).code, 200);
      assert.equal((await admin.call("GET", `${configMaps}/held`)).code, 404);
      await post(configMaps, configMap("family"));
      const body = { propagationPolicy: "Foreground" };
      const foreground = await admin.call("DELETE", `${configMaps}/family`, { body });
      assert.deepEqual(foreground.body.metadata.finalizers, ["foregroundDeletion"]);
    });

    it("gives pods their grace, binds them once, and keeps status apart", async () => {
      const pods = "/api/v1/namespaces/default/pods";
      const created = await post(pods, { ...pod("p"), status: { phase: "Running" } });
      assert.equal(created.status.phase, "Pending");
      const binding = {
        apiVersion: "v1",
        kind: "Binding",
        metadata: { name: "p" },
        target: { kind: "Node", name: "n" },
      };
      assert.equal((await admin.call("POST", `${pods}/p/binding`, { body: binding })).code, 201);
      const second = await admin.call("POST", `${pods}/p/binding`, { body: binding });
      assert.deepEqual([second.code, second.body.reason], [409, "Conflict"]);
      const bound = await get(`${pods}/p`);
      assert.equal(bound.spec.nodeName, "n");
      assert.equal(bound.status.conditions[0].type, "PodScheduled");
      const running = { ...bound, spec: { ...bound.spec, priority: 7 }, status: { phase: "Running" } };
      const status = await admin.call("PUT", `${pods}/p/status`, { body: running });
      assert.equal(status.body.status.phase, "Running");
      assert.equal(status.body.spec.priority, bound.spec.priority);
      const deleting = await admin.call("DELETE", `${pods}/p`);
      assert.equal(deleting.body.metadata.deletionGracePeriodSeconds, 30);
      assert.equal((await get(`${pods}/p`)).metadata.uid, created.metadata.uid);
      await admin.call("DELETE", `${pods}/p`, { body: { gracePeriodSeconds: 0 } });
      assert.equal((await admin.call("GET", `${pods}/p`)).code, 404);
      await post(pods, pod("nowhere"));
      await admin.call("DELETE", `${pods}/nowhere`);
      assert.equal((await admin.call("GET", `${pods}/nowhere`)).code, 404);
    });

    it("scales", async () => {
      const deployments = "/apis/apps/v1/namespaces/default/deployments";
      const template = { metadata: { labels: { a: "b" } }, spec: pod("x").spec };
      const spec = { replicas: 1, selector: { matchLabels: { a: "b" } }, template };
      const created = await post(deployments, {
        apiVersion: "apps/v1",
        kind: "Deployment",
        metadata: { name: "d" },
        spec,
      });
      assert.equal(created.metadata.generation, 1);
      const scale = await get(`${deployments}/d/scale`);
      assert.deepEqual([scale.kind, scale.spec.replicas, scale.status.selector], ["Scale", 1, "a=b"]);
      const put = await admin.call("PUT", `${deployments}/d/scale`, {
        body: { ...scale, spec: { replicas: 4 } },
      });
      assert.equal(put.body.spec.replicas, 4);
      const after = await get(`${deployments}/d`);
      assert.deepEqual([after.spec.replicas, after.metadata.generation], [4, 2]);
      const stale = await admin.call("PUT", `${deployments}/d/scale`, { body: scale });
      assert.equal(stale.code, 409);
    });

    it("hands out cluster IPs and node ports once, and takes them back", async () => {
      const services = "/api/v1/namespaces/default/services";
      const made = await Promise.all(
        Array.from({ length: 12 }, (_, n) => post(services, service(`s${n}`, { type: "NodePort" }))),
      );
      const distinct = (values: unknown[]) => assert.equal(new Set(values).size, values.length);
      distinct(made.map((one) => one.spec.clusterIP));
      distinct(made.map((one) => one.spec.ports[0].nodePort));
      const [first] = made;
      const { clusterIP } = first.spec;
      const clash = await admin.call("POST", services, { body: service("clash", { clusterIP }) });
      assert.deepEqual([clash.code, /already allocated/.test(clash.body.message)], [422, true]);
      const outside = await admin.call("POST", services, { body: service("out", { clusterIP: "10.1.2.3" }) });
      assert.equal(outside.code, 422);
      const { clusterIP: _, clusterIPs: __, ...rest } = first.spec;
      const kept = await admin.call("PUT", `${services}/s0`, { body: { ...first, spec: rest } });
      assert.equal(kept.body.spec.clusterIP, clusterIP);
      await admin.call("DELETE", `${services}/s0`);
      const reused = await admin.call("POST", services, { body: service("reused", { clusterIP }) });
      assert.equal(reused.code, 201);
      const headless = await post(services, service("headless", { clusterIP: "None" }));
      assert.equal(headless.spec.clusterIP, "None");
    });

    it("deletes namespaces when they are finalized, and lets nothing new into them", async () => {
      await post("/api/v1/namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name: "going" } });
      await admin.call("DELETE", "/api/v1/namespaces/going");
      const refused = await admin.call("POST", "/api/v1/namespaces/going/configmaps", {
        body: configMap("late"),
      });
      assert.deepEqual([refused.code, refused.body.reason], [403, "Forbidden"]);
      const going = await get("/api/v1/namespaces/going");
      assert.equal(going.status.phase, "Terminating");
      const body = { ...going, spec: { finalizers: [] } };
      await admin.call("PUT", "/api/v1/namespaces/going/finalize", { body });
      assert.equal((await admin.call("GET", "/api/v1/namespaces/going")).code, 404);
      assert.equal((await admin.call("DELETE", "/api/v1/namespaces/default")).code, 403);
    });

    it("deletes collections by selector", async () => {
      for (const color of ["red", "red", "blue"])
        await post(configMaps, { ...configMap(""), metadata: { generateName: "c-", labels: { color } } });
      await admin.call("DELETE", `${configMaps}?labelSelector=color%3Dred`);
      assert.equal((await get(`${configMaps}?labelSelector=color`)).items.length, 1);
    });

    it("serves events in both groups, each in its own terms", async () => {
      const involvedObject = { kind: "Pod", name: "p", namespace: "default" };
      const event = {
        apiVersion: "v1",
        kind: "Event",
        metadata: { name: "e" },
        involvedObject,
        message: "hello",
        reason: "R",
        type: "Normal",
      };
      assert.equal(
        (await admin.call("POST", "/api/v1/namespaces/default/events", { body: event })).code,
        201,
      );
      const other = await get("/apis/events.k8s.io/v1/namespaces/default/events/e");
      assert.deepEqual(
        [other.apiVersion, other.note, other.regarding.name],
        ["events.k8s.io/v1", "hello", "p"],
      );
    });

    it("compresses large answers for those who can read them", async () => {
      await post(configMaps, configMap("large", { a: "x".repeat(200_000) }));
      const plain = await admin.call("GET", `${configMaps}/large`);
      assert.equal(plain.headers["content-encoding"], undefined);
      const { headers } = await admin.call("GET", `${configMaps}/large`, {
        headers: { "accept-encoding": "gzip" },
      });
      assert.equal(headers["content-encoding"], "gzip");
      assert.ok(Number(headers["content-length"]) < 10_000);
    });

    it("lets everybody in only as far as they may go", async () => {
      const jane = await server.clientFor("jane");
      assert.equal((await jane.call("GET", configMaps)).code, 403);
      assert.equal((await jane.call("GET", "/apis")).code, 200);
      const review = {
        apiVersion: "authorization.k8s.io/v1",
        kind: "SelfSubjectAccessReview",
        spec: { resourceAttributes: { verb: "get", resource: "pods" } },
      };
      const answer = await jane.call("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", {
        body: review,
      });
      assert.deepEqual([answer.code, answer.body.status.allowed], [201, false]);
      const rules = {
        apiVersion: "authorization.k8s.io/v1",
        kind: "SelfSubjectRulesReview",
        spec: { namespace: "default" },
      };
      const listed = await admin.call("POST", "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", {
        body: rules,
      });
      const { resourceRules, nonResourceRules, incomplete } = listed.body.status;
      assert.deepEqual(resourceRules[0], { verbs: ["*"], apiGroups: ["*"], resources: ["*"] });
      assert.deepEqual(nonResourceRules[0], { verbs: ["*"], nonResourceURLs: ["*"] });
      assert.deepEqual([listed.body.spec, incomplete], [{}, false]);
    });

    it("lets the nameless ask for health only", async () => {
      const code = (path: string) =>
        new Promise((resolve, reject) => {
          const options = { ca: server.authority.certificatePem };
          httpsGet(`${server.url}${path}`, options, (response) => {
            response.resume();
            resolve(response.statusCode);
          }).on("error", reject);
        });
      assert.equal(await code("/livez"), 200);
      assert.equal(await code("/api/v1/pods"), 403);
    });

    it("keeps the kubernetes Service and its endpoints", async () => {
      const { spec } = await get("/api/v1/namespaces/default/services/kubernetes");
      assert.equal(spec.clusterIP, "10.96.0.1");
      const slice = await get("/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes");
      assert.equal(slice.ports[0].port, Number(new URL(server.url).port));
    });
  });
}
