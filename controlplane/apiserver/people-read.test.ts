import assert from "node:assert/strict";
import { startTestApiserver, type TestApiserver } from "./testing.ts";

/** Answers of a kube-apiserver of 1.36 to the same requests. */
const readers: readonly (readonly [userAgent: string, query: string, isPretty: boolean])[] = [
  ["curl/8.14", "", true],
  ["Wget/1.25", "", true],
  ["Mozilla/5.0 (X11)", "", true],
  ["Mozilla/5", "", false],
  ["Opera/9", "", false],
  ["kubectl/v1.36", "", false],
  ["my curl", "", false],
  ["curl/8.14", "?pretty=0", false],
  ["curl/8.14", "?pretty=false", false],
  ["curl/8.14", "?pretty=nonsense", false],
  ["curl/8.14", "?pretty=", true],
  ["kubectl/v1.36", "?pretty=1", true],
  ["kubectl/v1.36", "?pretty=true", true],
  ["kubectl/v1.36", "?pretty", false],
  ["kubectl/v1.36", "?pretty=0&pretty=1", false],
];

describe("answers for people", () => {
  let server: TestApiserver;
  const get = (path: string, headers: Readonly<Record<string, string>> = {}) =>
    server.admin.call("GET", path, { headers });
  const laidOut = (text: string) => JSON.stringify(JSON.parse(text), null, 2);
  before(async () => {
    server = await startTestApiserver();
  });
  after(() => server.stop());

  for (const [agent, query, isPretty] of readers)
    it(`are ${isPretty ? "" : "not "}laid out for ${agent} with ${query || "no query"}, errors too`, async () => {
      for (const name of ["default", "absent"]) {
        const { text } = await get(`/api/v1/namespaces/${name}${query}`, { "user-agent": agent });
        assert.equal(text, isPretty ? laidOut(text) : `${JSON.stringify(JSON.parse(text))}\n`);
      }
    });

  it("are laid out for an Accept header that says so, whatever the query", async () => {
    const { text } = await get("/api/v1/namespaces/default?pretty=0", {
      accept: "application/json;pretty=1",
    });
    assert.equal(text, laidOut(text));
  });

  it("are laid out as lists, tables, metadata, refusals and discovery", async () => {
    const form = (as: string) => `application/json;as=${as};g=meta.k8s.io;v=v1`;
    for (const [path, accept] of [
      ["/api/v1/namespaces", "application/json"],
      ["/api/v1/namespaces", form("Table")],
      ["/api/v1/namespaces", form("PartialObjectMetadataList")],
      ["/api/v1/namespaces/default", form("PartialObjectMetadata")],
      ["/api/v1/namespaces?resourceVersion=abc", "application/json"],
      ["/api", "application/json"],
      ["/apis/apps/v1", "application/json"],
      ["/apis", "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"],
    ] as const) {
      const { text } = await get(path, { accept, "user-agent": "curl/8" });
      assert.equal(text, laidOut(text), path);
    }
  });

  it("leave a watch its lines, and YAML its form", async () => {
    const watch = await get("/api/v1/namespaces?watch=1&timeoutSeconds=1", { "user-agent": "curl/8" });
    for (const line of watch.text.trimEnd().split("\n")) assert.equal(JSON.parse(line).type, "ADDED");
    const yaml = await get("/api/v1/namespaces/default", {
      accept: "application/yaml",
      "user-agent": "curl/8",
    });
    assert.match(yaml.text, /^apiVersion: v1\nkind: Namespace\n/);
  });
});
