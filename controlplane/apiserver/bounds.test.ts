import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { request as httpsRequest } from "node:https";
import { BodiesUnderWay } from "./filters/bodies-under-way.ts";
import { metricLabels } from "./filters/metric-labels.ts";
import { requestInfo } from "./filters/request-info.ts";
import { requestTimeoutMs, timeoutOf } from "./filters/request-timeout.ts";
import { readYaml } from "./handlers/read-yaml.ts";
import { KindTable } from "./registry/kind-table.ts";
import { kinds } from "./resources/table.ts";
import { startTestApiserver, type TestApiserver } from "./testing.ts";
import { configMap, configMaps } from "./testing-objects.ts";

describe("bounds on what clients send", () => {
  let server: TestApiserver;
  before(async () => {
    server = await startTestApiserver({ config: { inFlight: { readingMax: 10, mutatingMax: 2 } } });
  });
  after(() => server.stop());
  const patch = (name: string, body: unknown) =>
    server.admin.call("PATCH", `${configMaps}/${name}`, { body, type: "application/json-patch+json" });

  it("names nothing in metrics that is not served, so that no client makes them grow", async () => {
    for (const path of [
      "/apis/g1/v1/r1",
      "/api/v1/namespaces/default/pods/p/nosuchsub",
      "/apis/apps/v9/deployments",
    ])
      await server.admin.call("GET", path);
    await server.admin.call("GET", "/apis/g2/v1/r2?watch=true");
    const { text } = await server.admin.call("GET", "/metrics");
    assert.doesNotMatch(text, /g1|r1"|g2|r2"|nosuchsub|v9/);
    const table = new KindTable(kinds);
    assert.deepEqual(metricLabels(requestInfo("GET", "/api/v1/pods"), table), {
      verb: "LIST",
      group: "",
      version: "v1",
      resource: "pods",
      subresource: "",
      scope: "cluster",
      component: "apiserver",
    });
    const counted = (method: string, path: string, type = "") => {
      const { verb, scope, subresource } = metricLabels(requestInfo(method, path), table, type);
      return [verb, scope, subresource];
    };
    const pod = "/api/v1/namespaces/a/pods/p";
    assert.deepEqual(counted("GET", `${pod}/exec`), ["CONNECT", "resource", "exec"]);
    assert.deepEqual(counted("PATCH", pod, "application/apply-patch+yaml"), ["APPLY", "resource", ""]);
    assert.deepEqual(counted("DELETE", "/api/v1/namespaces/a/pods"), ["DELETE", "namespace", ""]);
    assert.deepEqual(counted("GET", "/livez"), ["GET", "", "/livez"]);
    assert.deepEqual(counted("GET", "/livez/x"), ["GET", "", ""]);
    assert.equal(metricLabels(requestInfo("BREW", "/pot"), table).verb, "other");
  });

  it("gives places to whoever has sent a whole request, however many send slowly", async () => {
    const slow = await Promise.all(Array.from({ length: 12 }, () => trickle(server, configMaps)));
    const quick = await server.admin.call("POST", configMaps, { body: configMap("heartbeat") });
    assert.equal(quick.code, 201);
    for (const one of slow) one.cut();
  });

  it("stops reading a body when the request's time is up", async () => {
    const { answer } = await trickle(server, `${configMaps}?timeout=200ms`);
    const { code, body } = await answer;
    assert.deepEqual(
      [code, body.reason, body.message],
      [504, "Timeout", "Timeout: request did not complete within the allotted timeout"],
    );
    const wrong = await server.admin.call("GET", `${configMaps}?timeout=soon`);
    assert.equal(
      wrong.body.message,
      'invalid timeout specified in the request URL - time: invalid duration "soon"',
    );
    assert.equal(timeoutOf(new URLSearchParams("timeout=1m30s")), requestTimeoutMs);
    assert.equal(timeoutOf(new URLSearchParams("timeout=1.5s")), 1500);
    assert.equal(timeoutOf(new URLSearchParams("timeout=0")), requestTimeoutMs);
  });

  it("refuses the largest half-sent body when all together are too large", () => {
    const bodies = new BodiesUnderWay(100);
    const refused: string[] = [];
    const enter = (name: string) => {
      const place = bodies.enter((error) => {
        place.leave();
        assert.equal((error as { code: number }).code, 429);
        refused.push(name);
      });
      return place;
    };
    const [small, large] = [enter("small"), enter("large")];
    large.grow(90);
    small.grow(9);
    small.grow(9);
    assert.deepEqual([refused, bodies.sizeBytes], [["large"], 18]);
  });

  it("bounds what a JSON patch makes of an object: copies, operations, depth", async () => {
    await server.admin.call("POST", configMaps, { body: configMap("copied", { a: "x".repeat(1000) }) });
    const copies = Array.from({ length: 24 }, (_, n) => ({ op: "copy", from: "/data", path: `/data/b${n}` }));
    const { code, body } = await patch("copied", copies);
    assert.deepEqual(
      [code, body.reason, body.message],
      [422, "Invalid", "the server rejected our request due to an error in our request"],
    );
    const tests = Array.from({ length: 10_001 }, () => ({ op: "test", path: "/kind", value: "ConfigMap" }));
    const many = await patch("copied", tests);
    assert.deepEqual(
      [many.code, many.body.message],
      [413, "Request entity too large: The allowed maximum operations in a JSON patch is 10000, got 10001"],
    );
  });

  it("bounds nesting, with 400", async () => {
    const deep = `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"deep"},"data":${'{"a":'.repeat(200_000)}1${"}".repeat(200_000)}}`;
    for (const type of ["application/json", "application/yaml"]) {
      const answer = await server.admin.call("POST", configMaps, { body: deep, type });
      assert.equal(answer.code, 400);
      assert.match(answer.body.message, /^the object provided is unrecognized .*: json: exceeded max depth /);
    }
    const merge = { body: deep, type: "application/merge-patch+json" };
    assert.equal((await server.admin.call("PATCH", `${configMaps}/heartbeat`, merge)).code, 400);
  });

  it("reads YAML in bounded time and space: nesting, aliases, odd indicators", () => {
    for (const hostile of ["- ".repeat(100_000), "? ".repeat(100_000), `a: ${"[".repeat(100_000)}`])
      assert.throws(() => readYaml(hostile), { code: 400, message: /yaml: nesting exceeded maxDepth/ });
    const names = "abcdefghij";
    const bomb = [...names]
      .map(
        (name, at) =>
          `${name}: &${name} [${Array(9)
            .fill(at === 0 ? "x" : `*${names[at - 1]}`)
            .join(",")}]`,
      )
      .join("\n");
    assert.throws(() => readYaml(bomb), { code: 400, message: /document contains excessive aliasing/ });
    const long = `a: &a "${"x".repeat(100_000)}"\nb: [${Array(100).fill("*a").join(",")}]`;
    assert.throws(() => readYaml(long), { message: /document contains excessive aliasing/ });
    assert.deepEqual(readYaml("a: &a {b: 1}\nc: *a\n"), { a: { b: 1 }, c: { b: 1 } });
  });
});

/** A POST that has sent its head and some of its body, and sends no more. */
async function trickle(server: TestApiserver, path: string) {
  const { hostname, port } = new URL(server.url);
  const { user } = JSON.parse(await readFile(server.kubeconfig, "utf8")).users[0];
  const pem = (field: string) => Buffer.from(user[field], "base64").toString();
  const request = httpsRequest({
    host: hostname,
    port,
    method: "POST",
    path,
    agent: false,
    ca: server.authority.certificatePem,
    cert: pem("client-certificate-data"),
    key: pem("client-key-data"),
    headers: { "content-type": "application/json", "content-length": 1000 },
  });
  const answer = new Promise<{ code: number; body: { reason: string; message: string } }>(
    (resolve, reject) => {
      request.on("error", reject);
      request.on("response", async (response) => {
        let text = "";
        for await (const chunk of response) text += chunk;
        resolve({ code: response.statusCode ?? 0, body: JSON.parse(text) });
      });
    },
  );
  answer.catch(() => undefined);
  await new Promise<void>((resolve) => request.write('{"apiVersion":', () => resolve()));
  return { answer, cut: () => request.destroy() };
}
