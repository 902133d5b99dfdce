import assert from "node:assert/strict";
import { systemClock } from "../../base/os/clock.ts";
import { text, WireReader } from "../../base/wire.ts";
import { MemoryStorage } from "./registry/memory-storage.ts";
import { decodeKubernetesProtobuf, encodeKubernetesProtobuf } from "./schema/protobuf-envelope.ts";
import { startTestApiserver, type TestApiserver } from "./testing.ts";
import { configMap, configMaps, pod } from "./testing-objects.ts";

const protobuf = "application/vnd.kubernetes.protobuf";
const metadata = `${protobuf};as=PartialObjectMetadata;g=meta.k8s.io;v=v1`;
const metadataList = `${protobuf};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1`;
const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const gizmos = "/apis/example.com/v1/namespaces/default/gizmos";

describe("answers in Kubernetes' protobuf", () => {
  let server: TestApiserver;
  before(async () => {
    const storage = new MemoryStorage(systemClock);
    // There is a past that nobody knows any more.
    const value = new Uint8Array(0);
    await storage.commit({ compare: [], writes: [{ type: "put", key: "/other", value }] });
    await storage.compact(await storage.revision());
    server = await startTestApiserver({ storage });
    assert.equal((await server.admin.call("POST", definitions, { body: definition })).code, 201);
    for (;;) {
      const made = await server.admin.call("POST", gizmos, { body: gizmo });
      if (made.code === 201) break;
      assert.equal(made.code, 404, made.text);
    }
  });
  after(() => server.stop());

  const ask = async (method: string, path: string, body?: object, accept = protobuf) => {
    const bytes = body && encodeKubernetesProtobuf({ ...body });
    const answer = await server.admin.call(method, path, {
      accept,
      ...(bytes && { body: bytes, type: protobuf }),
    });
    return { code: answer.code, type: answer.headers["content-type"], bytes: answer.bytes };
  };
  /** What JSON says, in the bytes that Kubernetes would make of it. */
  const inProtobuf = async (path: string) => {
    const { body } = await server.admin.call("GET", path);
    return Buffer.from(encodeKubernetesProtobuf(body));
  };

  it("tell of what is created, read, updated, patched and deleted the same as JSON does", async () => {
    const path = `${configMaps}/written`;
    const made = await ask("POST", configMaps, configMap("written", { a: "1" }));
    assert.deepEqual([made.code, made.type], [201, protobuf]);
    assert.deepEqual(made.bytes, await inProtobuf(path));
    const read = await ask("GET", path);
    assert.deepEqual([read.code, read.type, read.bytes], [200, protobuf, made.bytes]);
    assert.deepEqual((await ask("GET", path)).bytes, made.bytes);
    const updated = await ask("PUT", path, configMap("written", { a: "2" }));
    assert.deepEqual([updated.code, updated.bytes], [200, await inProtobuf(path)]);
    const patched = await server.admin.call("PATCH", path, {
      accept: protobuf,
      type: "application/merge-patch+json",
      body: { data: { b: "3" } },
    });
    assert.deepEqual([patched.code, patched.bytes], [200, await inProtobuf(path)]);
    const deleted = await ask("DELETE", path);
    const { kind, status } = decodeKubernetesProtobuf(deleted.bytes);
    assert.deepEqual([deleted.code, kind, status], [200, "Status", "Success"]);
  });

  it("list what JSON lists, in pages too, and nothing where there is nothing", async () => {
    for (const name of ["l1", "l2", "l3"])
      await server.admin.call("POST", configMaps, {
        body: configMap(name, { a: "x".repeat(300) }, { of: "list" }),
      });
    for (const query of [
      "labelSelector=of%3Dlist",
      "labelSelector=of%3Dnothing",
      "labelSelector=of%3Dlist&resourceVersion=0",
    ]) {
      const path = `${configMaps}?${query}`;
      const { bytes, type } = await ask("GET", path);
      assert.deepEqual([type, bytes], [protobuf, await inProtobuf(path)], query);
    }
    const page = decodeKubernetesProtobuf((await ask("GET", `${configMaps}?limit=2`)).bytes);
    const { continue: token, remainingItemCount } = page.metadata as Record<string, unknown>;
    assert.ok(Array.isArray(page.items) && page.items.length === 2 && remainingItemCount !== undefined);
    assert.equal((await ask("GET", `${configMaps}?limit=2&continue=${token}`)).code, 200);
  });

  it("list what is served in another version than stored", async () => {
    const event = {
      apiVersion: "v1",
      kind: "Event",
      metadata: { name: "e" },
      involvedObject: { kind: "Pod", namespace: "default", name: "p" },
      reason: "Tested",
      type: "Normal",
    };
    await server.admin.call("POST", "/api/v1/namespaces/default/events", { body: event });
    for (const path of ["/api/v1", "/apis/events.k8s.io/v1"].map((at) => `${at}/namespaces/default/events`)) {
      assert.deepEqual((await ask("GET", `${path}/e`)).bytes, await inProtobuf(`${path}/e`));
      assert.deepEqual((await ask("GET", path)).bytes, await inProtobuf(path));
    }
  });

  it("give the metadata alone, of one and of many, custom objects too", async () => {
    await server.admin.call("POST", configMaps, { body: configMap("meta", { a: "1" }) });
    for (const path of [configMaps, gizmos]) {
      const name = path === gizmos ? "g" : "meta";
      const one = await ask("GET", `${path}/${name}`, undefined, metadata);
      const whole = await server.admin.call("GET", `${path}/${name}`);
      const wanted = {
        apiVersion: "meta.k8s.io/v1",
        kind: "PartialObjectMetadata",
        metadata: whole.body.metadata,
      };
      assert.deepEqual(
        [one.code, one.type, one.bytes],
        [200, protobuf, Buffer.from(encodeKubernetesProtobuf(wanted))],
      );
      const many = await ask("GET", path, undefined, metadataList);
      const listed = await server.admin.call("GET", path, {
        accept: metadataList.replace(protobuf, "application/json"),
      });
      assert.deepEqual(many.bytes, Buffer.from(encodeKubernetesProtobuf(listed.body)));
    }
  });

  it("tell of errors, of whoever may not ask and of what is not there", async () => {
    const missing = await ask("GET", `${configMaps}/none`);
    assert.deepEqual([missing.code, missing.type], [404, protobuf]);
    assert.deepEqual(decodeKubernetesProtobuf(missing.bytes), {
      apiVersion: "v1",
      kind: "Status",
      metadata: {},
      status: "Failure",
      message: 'configmaps "none" not found',
      reason: "NotFound",
      details: { name: "none", kind: "configmaps" },
      code: 404,
    });
    const refused = await server.stranger.call("GET", configMaps, { accept: protobuf });
    assert.equal(refused.headers["content-type"], protobuf);
    assert.equal(decodeKubernetesProtobuf(refused.bytes).reason, "Forbidden");
    const yaml = await ask("GET", `${configMaps}/none`, undefined, "application/yaml");
    assert.equal(yaml.type, "application/yaml");
    assert.match(yaml.bytes.toString(), /^apiVersion: v1\ncode: 404\ndetails:\n/);
  });

  it("do not show custom objects whole, whose form has no protobuf: the next that is accepted, or 406", async () => {
    const only = await ask("GET", `${gizmos}/g`);
    assert.deepEqual([only.code, only.type], [406, protobuf]);
    assert.match(
      String(decodeKubernetesProtobuf(only.bytes).message),
      /^only the following media types are accepted: /,
    );
    const next = await ask("GET", `${gizmos}/g`, undefined, `${protobuf}, application/json`);
    assert.deepEqual([next.code, next.type], [200, "application/json"]);
  });

  it("tell of scales and reviews", async () => {
    const review = {
      apiVersion: "authorization.k8s.io/v1",
      kind: "SelfSubjectAccessReview",
      spec: { resourceAttributes: { verb: "get", resource: "pods" } },
    };
    const reviewed = await ask("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", review);
    assert.equal((decodeKubernetesProtobuf(reviewed.bytes).status as { allowed: boolean }).allowed, true);
    const labels = { a: "b" };
    const deployment = {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "d" },
      spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec: pod("x").spec } },
    };
    const deployments = "/apis/apps/v1/namespaces/default/deployments";
    assert.equal((await ask("POST", deployments, deployment)).code, 201);
    assert.deepEqual(
      (await ask("GET", `${deployments}/d/scale`)).bytes,
      await inProtobuf(`${deployments}/d/scale`),
    );
  });

  it("tell what can be discovered", async () => {
    for (const path of ["/api", "/apis", "/api/v1", "/apis/apps", "/apis/apps/v1"]) {
      const { type, bytes } = await ask("GET", path);
      assert.deepEqual([type, bytes], [protobuf, await inProtobuf(path)], path);
    }
  });

  it("follow changes in frames with their length before them, the same bytes for every watcher", async () => {
    const made = await server.admin.call("POST", configMaps, { body: configMap("w", { a: "1" }) });
    const since = made.body.metadata.resourceVersion;
    const path = `${configMaps}?watch=true&resourceVersion=${since}&fieldSelector=metadata.name%3Dw`;
    const watchers = [1, 2].map(() => frames(server.admin.watchBytes(path, `${protobuf};stream=watch`)));
    await server.admin.call("PUT", `${configMaps}/w`, { body: configMap("w", { a: "2" }) });
    const changed = await inProtobuf(`${configMaps}/w`);
    await server.admin.call("DELETE", `${configMaps}/w`);
    for (const watcher of watchers) {
      const modified = (await watcher.next()).value;
      assert.deepEqual([modified?.type, modified?.object], ["MODIFIED", changed]);
      const deleted = (await watcher.next()).value;
      assert.equal(deleted?.type, "DELETED");
      const last = decodeKubernetesProtobuf(deleted?.object ?? changed) as {
        metadata: { resourceVersion: string };
      };
      assert.ok(Number(last.metadata.resourceVersion) > Number(since));
      await watcher.return();
    }
  });

  it("begin a watch with what is there, tell where that ends, and end one that cannot be served with an error", async () => {
    await server.admin.call("POST", configMaps, { body: configMap("begin", { a: "1" }) });
    const begin = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
    const only = "fieldSelector=metadata.name%3Dbegin";
    const watcher = frames(server.admin.watchBytes(`${configMaps}?watch=true&${begin}&${only}`, metadata));
    const added = (await watcher.next()).value;
    const object = decodeKubernetesProtobuf(added?.object ?? Buffer.alloc(0));
    assert.deepEqual([added?.type, object.kind], ["ADDED", "PartialObjectMetadata"]);
    const mark = (await watcher.next()).value;
    const { kind, metadata: marked } = decodeKubernetesProtobuf(mark?.object ?? Buffer.alloc(0));
    assert.deepEqual([mark?.type, kind], ["BOOKMARK", "PartialObjectMetadata"]);
    assert.deepEqual(
      { ...(marked as { annotations: object }).annotations },
      { "k8s.io/initial-events-end": "true" },
    );
    await watcher.return();
    const ended = frames(server.admin.watchBytes(`${configMaps}?watch=true&resourceVersion=1`, protobuf));
    const error = (await ended.next()).value;
    assert.equal(error?.type, "ERROR");
    assert.equal(decodeKubernetesProtobuf(error?.object ?? Buffer.alloc(0)).reason, "Expired");
    await ended.return();
  });

  it("are no YAML where changes follow one another: 406", async () => {
    const answer = await ask("GET", `${configMaps}?watch=true`, undefined, "application/yaml");
    assert.equal(answer.code, 406);
    assert.match(
      answer.bytes.toString().replaceAll(/\s+/g, " "),
      /application\/json;stream=watch, application\/vnd\.kubernetes\.protobuf;stream=watch/,
    );
  });
});

interface Frame {
  readonly type: string;
  readonly object: Buffer;
}

/** The changes in a watch's bytes. */
async function* frames(chunks: AsyncIterable<Buffer>): AsyncGenerator<Frame, void> {
  let rest = Buffer.alloc(0);
  for await (const chunk of chunks) {
    rest = Buffer.concat([rest, chunk]);
    for (;;) {
      if (rest.length < 4 || rest.length < 4 + rest.readUInt32BE(0)) break;
      const end = 4 + rest.readUInt32BE(0);
      yield frame(rest.subarray(4, end));
      rest = rest.subarray(end);
    }
  }
}

function frame(bytes: Buffer): Frame {
  const reader = new WireReader(bytes);
  assert.equal(reader.varint(), 10);
  const type = text(reader.bytes());
  assert.equal(reader.varint(), 18);
  const object = new WireReader(reader.bytes());
  assert.equal(object.varint(), 10);
  return { type, object: Buffer.from(object.bytes()) };
}

const definition = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "gizmos.example.com" },
  spec: {
    group: "example.com",
    scope: "Namespaced",
    names: { plural: "gizmos", kind: "Gizmo" },
    versions: [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema: { type: "object" } } }],
  },
};
const gizmo = { apiVersion: "example.com/v1", kind: "Gizmo", metadata: { name: "g" } };
