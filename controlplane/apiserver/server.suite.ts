import assert from "node:assert/strict";
import { get as httpsGet } from "node:https";
import type { Storage } from "./registry/storage.ts";
import { startTestApiserver, type TestApiserver, type TestClient } from "./testing.ts";

const configMaps = "/api/v1/namespaces/default/configmaps";
const configMap = (name: string, data: object = {}, labels: object = {}) => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, labels },
  data,
});
const pod = (name: string, nodeName?: string) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name },
  spec: { containers: [{ name: "c", image: "i" }], ...(nodeName && { nodeName }) },
});
const service = (name: string, spec: object = {}) => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name },
  spec: { ports: [{ port: 80 }], ...spec },
});

/** What the API promises, on any storage. */
export function serverSuite(name: string, openStorage: () => Promise<Storage>): void {
  describe(`API server on ${name}`, () => {
    let server: TestApiserver;
    let admin: TestClient;
    before(async () => {
      server = await startTestApiserver({ storage: await openStorage() });
      ({ admin } = server);
    });
    after(() => server.stop());
    const post = async (path: string, body: unknown) => (await admin.call("POST", path, { body })).body;
    const get = async (path: string) => (await admin.call("GET", path)).body;

    it("creates, reads, updates on the right revision only, deletes", async () => {
      const created = await admin.call("POST", configMaps, { body: configMap("life", { a: "1" }) });
      assert.equal(created.code, 201);
      assert.match(
        created.body.metadata.uid,
        /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
      );
      assert.deepEqual(await get(`${configMaps}/life`), created.body);
      const again = await admin.call("POST", configMaps, { body: configMap("life") });
      assert.deepEqual([again.code, again.body.reason], [409, "AlreadyExists"]);
      assert.equal(again.body.message, 'configmaps "life" already exists');
      const changed = { ...created.body, data: { a: "2" } };
      const updated = await admin.call("PUT", `${configMaps}/life`, { body: changed });
      assert.equal(updated.code, 200);
      assert.ok(
        Number(updated.body.metadata.resourceVersion) > Number(created.body.metadata.resourceVersion),
      );
      const stale = await admin.call("PUT", `${configMaps}/life`, { body: changed });
      assert.equal(
        stale.body.message,
        'Operation cannot be fulfilled on configmaps "life": the object has been modified; please apply your changes to the latest version and try again',
      );
      const same = await admin.call("PUT", `${configMaps}/life`, { body: updated.body });
      assert.equal(
        same.body.metadata.resourceVersion,
        updated.body.metadata.resourceVersion,
        "no write for no change",
      );
      const wrongUid = { body: { preconditions: { uid: "other" } } };
      assert.equal((await admin.call("DELETE", `${configMaps}/life`, wrongUid)).code, 409);
      const deleted = await admin.call("DELETE", `${configMaps}/life`);
      assert.deepEqual([deleted.code, deleted.body.status], [200, "Success"]);
      const missing = await admin.call("GET", `${configMaps}/life`);
      assert.deepEqual(missing.body, {
        kind: "Status",
        apiVersion: "v1",
        metadata: {},
        status: "Failure",
        message: 'configmaps "life" not found',
        reason: "NotFound",
        details: { name: "life", kind: "configmaps" },
        code: 404,
      });
    });

    it("loses no update when many come at once", async () => {
      const created = await post(configMaps, configMap("busy"));
      const writers = Array.from({ length: 8 }, (_, n) => `w${n}`);
      const puts = await Promise.all(
        writers.map((name) =>
          admin.call("PUT", `${configMaps}/busy`, { body: { ...created, data: { [name]: "put" } } }),
        ),
      );
      assert.deepEqual(puts.map(({ code }) => code).sort(), [200, ...Array(7).fill(409)]);
      const type = "application/merge-patch+json";
      const patches = await Promise.all(
        writers.map((name) =>
          admin.call("PATCH", `${configMaps}/busy`, { type, body: { data: { [name]: "patched" } } }),
        ),
      );
      assert.ok(patches.every(({ code }) => code === 200));
      const { data } = await get(`${configMaps}/busy`);
      assert.deepEqual(data, Object.fromEntries(writers.map((name) => [name, "patched"])));
    });

    it("dry runs write nothing; generateName makes names", async () => {
      const dry = await admin.call("POST", `${configMaps}?dryRun=All`, { body: configMap("dry") });
      assert.equal(dry.code, 201);
      assert.equal((await admin.call("GET", `${configMaps}/dry`)).code, 404);
      const { metadata } = await post(configMaps, {
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { generateName: "gen-" },
      });
      assert.match(metadata.name, /^gen-[a-z0-9]{5}$/);
    });

    it("refuses what is wrong, with the status that fits", async () => {
      const code = async (...args: Parameters<TestClient["call"]>) => (await admin.call(...args)).code;
      const invalid = await admin.call("POST", configMaps, { body: configMap("Not_A_Name") });
      assert.deepEqual([invalid.code, invalid.body.details.causes[0].field], [422, "metadata.name"]);
      assert.equal(await code("POST", configMaps, { body: "{", type: "application/json" }), 400);
      assert.equal(await code("POST", configMaps, { body: configMap("x"), type: "text/plain" }), 415);
      assert.equal(await code("GET", configMaps, { accept: "image/png" }), 406);
      assert.equal(await code("PUT", configMaps, { body: configMap("x") }), 405);
      assert.equal(await code("POST", configMaps, { body: pod("x") }), 400);
      assert.equal(await code("GET", "/apis/apps/v1/namespaces/default/gizmos"), 404);
      assert.equal(
        await code("POST", `/api/v1/namespaces/missing/configmaps`, { body: configMap("x") }),
        404,
      );
      assert.equal(
        await code("POST", configMaps, { body: configMap("x", { a: "y".repeat(3 * 1024 * 1024) }) }),
        413,
      );
      const strict = await admin.call("POST", `${configMaps}?fieldValidation=Strict`, {
        body: { ...configMap("x"), foo: 1 },
      });
      assert.match(strict.body.message, /unknown field "foo"/);
      const warned = await admin.call("POST", `${configMaps}?fieldValidation=Warn`, {
        body: { ...configMap("warned"), foo: 1 },
      });
      assert.equal(warned.code, 201);
      assert.match(String(warned.headers.warning), /299 - "unknown field \\"foo\\""/);
    });

    it("patches in all four ways", async () => {
      await post(configMaps, configMap("patched", { a: "1" }));
      const patch = (type: string, body: unknown, query = "") =>
        admin.call("PATCH", `${configMaps}/patched${query}`, { type, body });
      const merged = await patch("application/merge-patch+json", { data: { b: "2", a: null } });
      assert.deepEqual(merged.body.data, { b: "2" });
      const json = await patch("application/json-patch+json", [
        { op: "replace", path: "/data/b", value: "3" },
      ]);
      assert.deepEqual(json.body.data, { b: "3" });
      const failed = await patch("application/json-patch+json", [
        { op: "test", path: "/data/b", value: "x" },
      ]);
      assert.equal(failed.code, 422);
      const strategic = await patch("application/strategic-merge-patch+json", { data: { c: "4" } });
      assert.deepEqual(strategic.body.data, { b: "3", c: "4" });
      const apply = "application/apply-patch+yaml";
      const body = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: patched}\ndata: {c: '5'}\n";
      assert.equal((await patch(apply, body, "?fieldManager=me")).code, 409);
      const applied = await patch(apply, body, "?fieldManager=me&force=true");
      assert.deepEqual(applied.body.data, { b: "3", c: "5" });
      assert.equal(
        applied.body.metadata.managedFields.find((one: { manager: string }) => one.manager === "me")
          .operation,
        "Apply",
      );
      const stale = await patch("application/merge-patch+json", {
        metadata: { resourceVersion: "1" },
        data: {},
      });
      assert.equal(stale.code, 409);
    });

    it("lists by label, field and page, at one revision", async () => {
      for (let n = 0; n < 5; n++)
        await post(configMaps, configMap(`page-${n}`, {}, { page: "yes", even: String(n % 2 === 0) }));
      const names = (list: { items: { metadata: { name: string } }[] }) =>
        list.items.map((item) => item.metadata.name);
      const selected = `${configMaps}?labelSelector=page%3Dyes`;
      assert.deepEqual(names(await get(`${configMaps}?labelSelector=even%20in%20(true),page`)), [
        "page-0",
        "page-2",
        "page-4",
      ]);
      assert.deepEqual(names(await get(`${configMaps}?fieldSelector=metadata.name%3Dpage-1`)), ["page-1"]);
      assert.equal((await admin.call("GET", `${configMaps}?fieldSelector=data%3Dx`)).code, 400);
      const first = await get(`${selected}&limit=2`);
      assert.deepEqual(names(first), ["page-0", "page-1"]);
      // What changes between the pages does not show.
      await admin.call("DELETE", `${configMaps}/page-3`);
      const second = await get(`${selected}&limit=2&continue=${first.metadata.continue}`);
      assert.deepEqual(names(second), ["page-2", "page-3"]);
      assert.equal(second.metadata.resourceVersion, first.metadata.resourceVersion);
      const third = await get(`${selected}&limit=2&continue=${second.metadata.continue}`);
      assert.deepEqual([names(third), third.metadata.continue], [["page-4"], undefined]);
      const exact = `${selected}&resourceVersionMatch=Exact&resourceVersion=${first.metadata.resourceVersion}`;
      assert.equal(names(await get(exact)).length, 5);
      assert.equal(names(await get(`${selected}&resourceVersion=0`)).length, 4);
      assert.equal((await admin.call("GET", `${selected}&resourceVersionMatch=Exact`)).code, 422);
    });

    it("watches from a revision, with selectors, and says Expired for what is too old", async () => {
      const { metadata } = await get(configMaps);
      await post(configMaps, configMap("seen", {}, { watched: "yes" }));
      await post(configMaps, configMap("unseen"));
      const query = `watch=true&labelSelector=watched%3Dyes&resourceVersion=${metadata.resourceVersion}`;
      const lines = admin.watch(`${configMaps}?${query}`);
      const next = async () => {
        const { value } = await lines.next();
        assert.ok(value);
        return value;
      };
      assert.equal((await next()).type, "ADDED");
      await admin.call("PATCH", `${configMaps}/seen`, {
        type: "application/merge-patch+json",
        body: { data: { a: "1" } },
      });
      assert.equal((await next()).type, "MODIFIED");
      const gone = await admin.call("PATCH", `${configMaps}/seen`, {
        type: "application/merge-patch+json",
        body: { metadata: { labels: { watched: "no" } } },
      });
      const left = await next();
      assert.equal(left.type, "DELETED");
      assert.equal(left.object.metadata.labels.watched, "yes");
      assert.equal(left.object.metadata.resourceVersion, gone.body.metadata.resourceVersion);
      await lines.return();
      const old = admin.watch(`${configMaps}?watch=true&resourceVersion=1`);
      const { value } = await old.next();
      assert.deepEqual([value?.type, value?.object.code, value?.object.reason], ["ERROR", 410, "Expired"]);
      await old.return();
    });

    it("sends initial events and marks their end", async () => {
      await post(configMaps, configMap("initial", {}, { initial: "yes" }));
      const query = "watch=true&sendInitialEvents=true&allowWatchBookmarks=true&labelSelector=initial";
      assert.equal((await admin.call("GET", `${configMaps}?${query}`)).code, 422);
      const lines = admin.watch(`${configMaps}?${query}&resourceVersionMatch=NotOlderThan`);
      const first = await lines.next();
      assert.deepEqual([first.value?.type, first.value?.object.metadata.name], ["ADDED", "initial"]);
      const mark = (await lines.next()).value;
      assert.equal(mark?.type, "BOOKMARK");
      assert.equal(mark?.object.metadata.annotations["k8s.io/initial-events-end"], "true");
      await admin.call("DELETE", `${configMaps}/initial`);
      assert.equal((await lines.next()).value?.type, "DELETED");
      await lines.return();
    });

    it("shows tables and metadata only", async () => {
      const table = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
      const { body } = await admin.call("GET", "/api/v1/namespaces", { accept: table });
      assert.equal(body.kind, "Table");
      assert.equal(body.columnDefinitions[0].name, "Name");
      assert.equal(body.rows[0].cells[0], "default");
      assert.equal(body.rows[0].object.kind, "PartialObjectMetadata");
      const bare = await admin.call("GET", "/api/v1/namespaces?includeObject=None", { accept: table });
      assert.equal(bare.body.rows[0].object, null);
      const metadata = await admin.call("GET", "/api/v1/namespaces", {
        accept: "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
      });
      assert.equal(metadata.body.kind, "PartialObjectMetadataList");
      assert.deepEqual(Object.keys(metadata.body.items[0]), ["kind", "apiVersion", "metadata"]);
    });

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
      assert.equal(created.spec.serviceAccountName, "default");
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
      assert.deepEqual(listed.body.status.resourceRules, [
        { verbs: ["*"], apiGroups: ["*"], resources: ["*"] },
      ]);
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

    // The last one: it stops the server.
    it("ends watches in good order when it stops", async () => {
      const lines = admin.watch(
        `${configMaps}?watch=true&allowWatchBookmarks=true&fieldSelector=metadata.name%3Dlast`,
      );
      await post(configMaps, configMap("last"));
      assert.equal((await lines.next()).value?.type, "ADDED");
      const ended = server.stop();
      assert.equal((await lines.next()).value?.type, "BOOKMARK");
      assert.equal((await lines.next()).done, true);
      await ended;
    });
  });
}
