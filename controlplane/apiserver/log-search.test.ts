import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { podLogFolders } from "../../agent/logs/folders.ts";
import { NodeSearches } from "../../agent/logs/node-searches.ts";
import { searchLines } from "../../agent/logs/search-lines.ts";
import type { AgentServer } from "../../agent/server/server.ts";
import { issueCertificate } from "../../base/os/pki.ts";
import type { FoundEntry, FoundSource, SearchEnd, SearchRecord } from "../../client/logs/search-records.ts";
import { startTestNode, testNode } from "./reach/testing.ts";
import { startTestApiserver, type TestApiserver, type TestClient } from "./testing.ts";

const group = "/apis/logs.pintle.dev/v1";

describe("logs.pintle.dev, searched on all nodes", () => {
  let root: string;
  let api: TestApiserver;
  let agents: AgentServer[];
  let hostile: Server;
  let hostileAnswer: (response: ServerResponse) => void;
  let reader: TestClient;

  before(async () => {
    root = await mkdtemp(join(tmpdir(), "pintle-log-search-"));
    api = await startTestApiserver({ config: { logSearch: true } });
    agents = await Promise.all(
      ["n1", "n2"].map(async (nodeName) => {
        const live = join(root, nodeName, "logs");
        const startMs = Date.now();
        const at = (seconds: number) =>
          new Date(startMs - seconds * 1000).toISOString().replace("Z", "000000Z");
        for (const [namespace, pod, ...texts] of [
          ["shop", `web-${nodeName}`, `secretless error of ${nodeName}`, "ok"],
          ["vault", `key-${nodeName}`, "error: the vault's secret is 42"],
        ] as const) {
          const folder = join(live, `${namespace}_${pod}_uid`, "app");
          await mkdir(folder, { recursive: true });
          const lines = texts.map(
            (text, n) =>
              `${at(60 - n / 10 - (nodeName === "n1" ? 0 : 5) - (namespace === "vault" ? 2 : 0))} stdout F ${text}\n`,
          );
          await writeFile(join(folder, "0.log"), lines.join(""));
          await writeFile(
            join(folder, "0.labels.json"),
            JSON.stringify({ app: namespace, tier: `of-${namespace}` }),
          );
        }
        const components = join(root, nodeName, "components");
        await mkdir(components);
        await writeFile(
          join(components, `agent-${nodeName}.log`),
          `${at(5).replace("000000Z", "Z")} error agent: broken\n`,
        );
        const audit = join(root, nodeName, "audit.log");
        await writeFile(audit, `{"stage":"ResponseComplete","verb":"get","stageTimestamp":"${at(4)}"}\n`);
        const folders = { ...podLogFolders(live), components: [components], audit: [audit] };
        return startTestNode(api.authority, { nodeName, searches: new NodeSearches(folders, searchLines) });
      }),
    );
    const { certificatePem, privateKeyPem } = await issueCertificate(api.authority, {
      commonName: "system:node:n3",
      addresses: ["127.0.0.1"],
      usage: "server",
    });
    hostile = createServer({ cert: certificatePem, key: privateKeyPem }, (_, response) =>
      hostileAnswer(response),
    );
    await once(hostile.listen(0, "127.0.0.1"), "listening");
    hostileAnswer = (response) => void response.writeHead(429).end("32 searches wait already\n");
    await put("/api/v1/namespaces", { metadata: { name: "shop" } });
    const ports = [...agents.map(({ port }) => port), (hostile.address() as AddressInfo).port];
    for (const [at, port] of ports.entries()) await put("/api/v1/nodes", testNode(`n${at + 1}`, port));
    reader = await api.clientFor("reader");
    await put("/apis/rbac.authorization.k8s.io/v1/namespaces/shop/rolebindings", {
      metadata: { name: "readers" },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "view" },
      subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: "reader" }],
    });
  });
  after(async () => {
    await api.stop();
    for (const agent of agents) await agent.close();
    hostile.closeAllConnections();
    hostile.close();
    await rm(root, { recursive: true, force: true });
  });

  const put = async (path: string, body: object) => {
    const { code, text } = await api.admin.call("POST", path, { body });
    assert.equal(code, 201, text);
  };
  interface Found {
    readonly sources: readonly FoundSource[];
    readonly entries: readonly FoundEntry[];
    readonly end: SearchEnd | undefined;
    readonly text: string;
  }
  const search = async (
    client: TestClient,
    place: string,
    params: Record<string, string> = {},
  ): Promise<Found> => {
    const { code, text } = await client.call(
      "GET",
      `${group}${place}/entries?${new URLSearchParams(params)}`,
    );
    assert.equal(code, 200, text);
    const records = text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as SearchRecord);
    return {
      text,
      sources: records.flatMap((one) => ("source" in one ? one.source : [])),
      entries: records.flatMap((one) => ("entry" in one ? one.entry : [])),
      end: records.flatMap((one) => ("end" in one ? one.end : []))[0],
    };
  };
  const refused = async (client: TestClient, path: string) => {
    const { code, body } = await client.call("GET", `${group}${path}`);
    return [code, body.message];
  };

  it("has nodes answer for audit logs only where whoever asks may do everything on them", async () => {
    const ask = async (path: string) => (await api.admin.call("GET", `/api/v1/nodes/n1/proxy/${path}`)).code;
    assert.deepEqual(
      [
        await ask("logs/search?source=audit"),
        await ask("audit/search?source=containers"),
        await ask("audit/search?source=audit"),
        await ask("logs/search?source=components"),
      ],
      [400, 400, 200, 200],
    );
  });

  it("finds what nodes have, by time, says where it is from, and which node did not answer", async () => {
    const { sources, entries, end } = await search(api.admin, "", { query: "error" });
    const from = new Map(sources.map(({ id, node, namespace, pod }) => [id, `${node} ${namespace}/${pod}`]));
    assert.deepEqual(
      entries.map(({ source, text }) => `${from.get(source)}: ${text}`),
      [
        "n2 vault/key-n2: error: the vault's secret is 42",
        "n2 shop/web-n2: secretless error of n2",
        "n1 vault/key-n1: error: the vault's secret is 42",
        "n1 shop/web-n1: secretless error of n1",
      ],
    );
    const times = entries.map(({ time }) => time);
    assert.deepEqual(times, [...times].sort().reverse());
    const error = "it answers 429: 32 searches wait already";
    assert.deepEqual(end?.nodes, [{ name: "n1" }, { name: "n2" }, { name: "n3", error }]);
    const limited = await search(api.admin, "", { query: "error", limit: "3", order: "oldest" });
    assert.deepEqual([limited.entries.length, limited.end?.isLimited], [3, true]);
    const counted = await search(api.admin, "", {
      query: "error",
      counts: "true",
      step: "1h",
      since: "1h",
      by: "node",
    });
    const { counts } = JSON.parse(counted.text.split("\n").find((line) => line.includes("counts")) ?? "");
    assert.deepEqual(
      counts.series.map((one: { name: string; counts: number[] }) => [
        one.name,
        one.counts.reduce((a, b) => a + b),
      ]),
      [
        ["n1", 2],
        ["n2", 2],
      ],
    );
  });

  it("shows who may read one namespace's logs nothing of another, by whatever is asked", async () => {
    for (const params of [
      {},
      { query: "secret" },
      { labelSelector: "tier=of-vault" },
      { pod: "key-n1" },
      { query: "not shop", limit: "10000" },
      { counts: "true", by: "namespace" },
      { counts: "true", by: "pod" },
    ] as Record<string, string>[]) {
      const { text, sources } = await search(reader, "/namespaces/shop", params);
      assert.doesNotMatch(text, /vault|key-n|secret is/, JSON.stringify(params));
      for (const { namespace } of sources) assert.equal(namespace, "shop");
    }
    const { end } = await search(reader, "/namespaces/shop", { query: "secret is", counts: "true" });
    assert.equal(end?.entries, 0);
    const may = 'User "reader" cannot get resource "pods/log" in API group ""';
    assert.match(String(await refused(reader, "/entries")), new RegExp(`^403,.*${may} at the cluster scope`));
    assert.match(
      String(await refused(reader, "/namespaces/vault/entries")),
      /^403,.*in the namespace "vault"/,
    );
    assert.match(
      String(await refused(reader, "/namespaces/shop/entries?namespace=vault")),
      /^400,namespace: it is in the path/,
    );
  });

  it("asks more of who searches components, audit logs and events", async () => {
    for (const [source, what] of [
      ["components", /cannot get resource "nodes\/log" in API group ""/],
      ["audit", /cannot get resource "audit" in API group "logs.pintle.dev"/],
      ["events", /cannot list resource "events" in API group "" at the cluster scope/],
    ] as const) {
      const [code, message] = await refused(reader, `/entries?source=${source}`);
      assert.equal(code, 403);
      assert.match(message, what);
    }
    assert.equal((await refused(reader, "/namespaces/shop/entries?source=components"))[0], 403);
    const components = await search(api.admin, "", { source: "components", query: "level=error" });
    assert.deepEqual(components.sources.map(({ component }) => component).sort(), ["agent-n1", "agent-n2"]);
    const audit = await search(api.admin, "", { source: "audit", query: "verb=get" });
    assert.equal(audit.entries.length, 2);
    await put("/api/v1/namespaces/shop/events", {
      metadata: { name: "web.1" },
      involvedObject: { kind: "Pod", name: "web", namespace: "shop" },
      ...{ type: "Warning", reason: "BackOff", lastTimestamp: new Date().toISOString().replace(/\.\d+/, "") },
    });
    const until = new Date(Date.now() + 60_000).toISOString();
    const events = await search(reader, "/namespaces/shop", {
      source: "events",
      query: "reason=BackOff",
      pod: "web",
      until,
    });
    assert.equal(events.entries.length, 1);
  });

  it("says what is wrong with what is asked, and where", async () => {
    for (const [params, message] of [
      ["query=(a", 'query: column 1: there is no ")" for this "("'],
      ["query=a+/(/", "query: column 3: no regular expression: error parsing regexp: missing closing ): `(`"],
      ["limit=0", "limit: must be 1 to 10000"],
      ["since=yesterday", "since: must be a time such as 2026-12-01T08:00:00Z, or how long ago, such as 90m"],
      ["labelSelector=!!", "labelSelector: "],
      ["colour=red", "colour: there is no such parameter"],
      ["source=events&stream=stdout", "stream: has no meaning for events"],
      ["follow=true&until=5m", "until: there is none while lines are followed"],
      ["node=n9", "node: there is no node n9"],
      ["counts=true&since=7d&step=1s", "step: makes more than 1000 steps"],
    ]) {
      const [code, said] = await refused(api.admin, `/entries?${params}`);
      assert.equal(code, 400, params);
      assert.ok(said.startsWith(message), said);
    }
    assert.equal((await refused(api.admin, "/namespaces/shop/entries?source=audit"))[0], 400);
    assert.equal((await api.admin.call("POST", `${group}/entries`, { body: {} })).code, 405);
    assert.equal((await refused(api.admin, "/namespaces/shop/entries/x"))[0], 404);
  });

  it("believes no node that speaks of another namespace, or nonsense, nor without an end", async () => {
    for (const [lines, error] of [
      [
        ['{"source":{"id":1,"kind":"container","namespace":"vault","pod":"x"}}'],
        "it speaks of another namespace",
      ],
      [['{"entry":{"source":7,"time":"2026-12-01T00:00:00Z","text":"x"}}'], "an entry has no source"],
      [['{"entry":{"source":1,"time":"soon","text":"x"}}'], "time is none"],
      [["[]"], "a record is not what it should be"],
      [['{"alive":{"searchedBytes":1}}'], "its answer has no end"],
      [[`"${"x".repeat(3_000_000)}`], "a line of more than 2097152 bytes"],
    ] as const) {
      hostileAnswer = (response) => void response.end(`${lines.join("\n")}\n`);
      const { end, entries } = await search(reader, "/namespaces/shop", { query: "error" });
      assert.equal(end?.nodes?.find(({ name }) => name === "n3")?.error, error);
      assert.equal(entries.length, 2);
    }
  });

  it("is discovered, and not listed as objects are", async () => {
    const { body } = await api.admin.call("GET", group);
    const shown = body.resources.map((one: { name: string; verbs: string[] }) => [one.name, one.verbs]);
    assert.deepEqual(shown, [["entries", ["get"]]]);
    // Who validates what it sends reads all documents.
    assert.equal((await api.admin.call("GET", "/openapi/v2")).code, 200);
    const { paths } = JSON.parse((await api.admin.call("GET", "/openapi/v3")).text);
    const addresses = Object.values(paths as Record<string, { readonly serverRelativeURL: string }>);
    for (const { serverRelativeURL } of addresses)
      assert.equal((await api.admin.call("GET", serverRelativeURL)).code, 200, serverRelativeURL);
    const without = await startTestApiserver();
    assert.equal((await without.admin.call("GET", `${group}/entries`)).code, 404);
    await without.stop();
  });
});
