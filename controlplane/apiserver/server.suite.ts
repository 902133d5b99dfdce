import assert from "node:assert/strict";
import type { Storage } from "./registry/storage.ts";
import { startTestApiserver, type TestApiserver, type TestClient } from "./testing.ts";
import { configMap, configMaps, pod } from "./testing-objects.ts";

/** A version in aggregated discovery. */
interface Discovered {
  readonly version: string;
  readonly resources: readonly { readonly resource: string; readonly verbs: readonly string[] }[];
}

/** What the API promises, on any storage. */
export function serverSuite(name: string, openStorage: () => Promise<Storage>): void {
  describe(`API server on ${name}`, () => {
    let server: TestApiserver;
    let admin: TestClient;
    before(async () => {
      const storage = await openStorage();
      // There is a past that nobody knows any more.
      const value = new Uint8Array(0);
      await storage.commit({ compare: [], writes: [{ type: "put", key: "/other", value }] });
      await storage.compact(await storage.revision());
      server = await startTestApiserver({ storage });
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

    it("marks the end of what was there for who names no version, with an object that says nothing else", async () => {
      for (const version of ["", "&resourceVersion=0"]) {
        const lines = admin.watch(
          `/api/v1/pods?watch=true&allowWatchBookmarks=true&labelSelector=no%3Dsuch${version}`,
        );
        const { type, object } = (await lines.next()).value ?? { type: "", object: {} };
        await lines.return();
        object.metadata.resourceVersion = "";
        const annotations = { "k8s.io/initial-events-end": "true" };
        const metadata = { resourceVersion: "", annotations };
        const empty = { kind: "Pod", apiVersion: "v1", metadata, spec: { containers: null }, status: {} };
        assert.deepEqual([type, object], ["BOOKMARK", empty]);
      }
    });

    it("marks it in tables by a row of nothing, of every kind", async () => {
      const as = "application/json;as=Table;v=v1;g=meta.k8s.io";
      const { body } = await admin.call("GET", "/apis", {
        accept: "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
      });
      const core = ["pods", "services", "nodes", "events", "secrets"].map((plural) => `/api/v1/${plural}`);
      const paths: string[] = body.items.flatMap(
        ({
          metadata,
          versions,
        }: {
          readonly metadata: { readonly name: string };
          readonly versions: readonly Discovered[];
        }) =>
          versions.flatMap(({ version, resources }) =>
            resources
              .filter(({ verbs }) => verbs.includes("watch"))
              .map(({ resource }) => `/apis/${metadata.name}/${version}/${resource}`),
          ),
      );
      assert.ok(paths.length > 40);
      for (const path of [...core, ...paths]) {
        const lines = admin.watch(`${path}?watch=true&allowWatchBookmarks=true&labelSelector=no%3Dsuch`, as);
        const { type, object } = (await lines.next()).value ?? { type: "", object: {} };
        await lines.return();
        const [{ cells, object: shown }] = object.rows;
        assert.deepEqual(
          [
            type,
            object.kind,
            Object.keys(object.metadata),
            cells.length >= object.columnDefinitions.length,
            shown.kind,
            shown.metadata.annotations,
          ],
          [
            "BOOKMARK",
            "Table",
            ["resourceVersion"],
            true,
            "PartialObjectMetadata",
            { "k8s.io/initial-events-end": "true" },
          ],
          path,
        );
      }
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

    // The last one: it stops the server.
    it("ends watches in good order when it stops", async () => {
      const { resourceVersion } = (await admin.call("GET", configMaps)).body.metadata;
      const lines = admin.watch(
        `${configMaps}?watch=true&allowWatchBookmarks=true&fieldSelector=metadata.name%3Dlast&resourceVersion=${resourceVersion}`,
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
