import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../../../base/os/clock.ts";
import { ApiWay } from "../api-way.ts";
import { escapedRegExp, queryOf, quoted } from "./prometheus-query.ts";
import { PrometheusSource, readMatrix, seriesSet } from "./prometheus-source.ts";
import { type Question, readQuestion } from "./question.ts";

const question = (query: string): Question => readQuestion(new URLSearchParams(query));

describe("queries of a Prometheus", () => {
  it("are of fixed texts and names", () => {
    const of = (query: string, names: readonly string[] = []) => queryOf(question(query).subject, names, 15);
    assert.deepEqual(of("of=pod&namespace=a&name=p"), {
      cpu: 'max by (container) (rate(container_cpu_usage_seconds_total{namespace="a",pod="p",container!="",container!="POD"}[120s]))',
      memory:
        'max by (container) (container_memory_working_set_bytes{namespace="a",pod="p",container!="",container!="POD"})',
      label: "container",
    });
    assert.match(
      of("of=pods&namespace=a&selector=x", ["web-1", "web.2"]).memory,
      /pod=~"web\\\\-1\|web\\\\\.2"/,
    );
    assert.equal(
      of("of=node&name=n").memory,
      'max(node_memory_working_set_bytes{node="n"} or node_memory_working_set_bytes{instance="n"})',
    );
    assert.match(queryOf(question("of=cluster").subject, [], 1800).cpu, /\[7200s\]/);
  });

  it("cannot be left by a name", () => {
    assert.equal(quoted('a"} or up{x="\\\n'), '"a\\"} or up{x=\\"\\\\\\n"');
    const text = "a.b*c|d(e)[f]{g}\\h^$+?-";
    assert.ok(new RegExp(`^(?:${escapedRegExp(text)})$`).test(text));
    assert.ok(!new RegExp(`^(?:${escapedRegExp("a.b")})$`).test("aXb"));
  });
});

describe("what a Prometheus answers", () => {
  const times = [0, 15, 30];

  it("lies on the times that were asked for, and is a gap where there is no number", () => {
    const values = [[0, "1.5"], [15, "NaN"], [30, "-1"], [45, "9"], [16, 4], "x", null];
    const [found] = readMatrix({ result: [{ metric: { pod: "p" }, values }] }, times, 15);
    assert.deepEqual(found, { labels: { pod: "p" }, values: [1.5, null, null] });
    assert.deepEqual(
      readMatrix({ result: [null, 5, {}] }, times, 15).map(({ values }) => values),
      Array(3).fill([null, null, null]),
    );
    for (const odd of [undefined, null, 5, {}, { result: 5 }])
      assert.throws(() => readMatrix(odd, times, 15), /no matrix/);
  });

  it("is put together by name, of a node by either of its labels", () => {
    const one = (labels: object, value: number) => ({
      labels: labels as Record<string, unknown>,
      values: [value, null, null],
    });
    const set = seriesSet({
      times,
      cpu: [one({ node: "a", instance: "10.0.0.1:10250" }, 1), one({ instance: "b" }, 2)],
      memory: [one({ node: "a", instance: "10.0.0.1:10250" }, 3)],
      label: "node",
      alone: "",
    });
    assert.deepEqual(set.series, [
      { name: "a", cpu: [1, null, null], memory: [3, null, null] },
      { name: "b", cpu: [2, null, null], memory: [null, null, null] },
    ]);
  });
});

describe("a Prometheus as the source of charts", () => {
  let server: Server;
  let folder: string;
  let asked: { readonly url: string; readonly body: string; readonly authorization: string | undefined }[];
  let answer: (response: ServerResponse, url: string) => void;
  let way: ApiWay;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "pintle-source-"));
    server = createServer(async (request, response) => {
      let body = "";
      for await (const piece of request) body += piece;
      const { url = "" } = request;
      asked.push({ url, body, authorization: request.headers.authorization });
      answer(response, url);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
    way = new ApiWay({ servers: [base()], token: "jo", namespace: "default" }, systemClock);
  });
  beforeEach(() => {
    asked = [];
  });
  after(async () => {
    way.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    rmSync(folder, { recursive: true });
  });

  const base = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const found = (metric: object) => ({
    status: "success",
    data: { resultType: "matrix", result: [{ metric, values: [] }] },
  });
  const source = (more: object = {}) =>
    new PrometheusSource({ url: `${base()}/prefix`, ...more }, systemClock);

  it("is asked by form, with a token that is read anew, for as far back as was said", async () => {
    const tokenFile = join(folder, "token");
    answer = (response) => response.end(JSON.stringify(found({ container: "c" })));
    const asking = source({ tokenFile });
    for (const token of ["one", "two"]) {
      writeFileSync(tokenFile, `${token}\n`);
      const { set } = await asking.ask(question("of=pod&namespace=a&name=p&range=7d"), way);
      assert.equal(set.times.length, 337);
      assert.deepEqual(
        set.series.map(({ name }) => name),
        ["c"],
      );
    }
    assert.deepEqual(
      asked.map(({ authorization }) => authorization),
      ["Bearer one", "Bearer one", "Bearer two", "Bearer two"],
    );
    assert.ok(asked.every(({ url }) => url === "/prefix/api/v1/query_range"));
    const form = new URLSearchParams(asked[0]?.body);
    assert.equal(Number(form.get("end")) - Number(form.get("start")), 604_800);
    assert.equal(form.get("step"), "1800");
  });

  it("is asked for the pods that the person finds by their labels", async () => {
    answer = (response, url) =>
      response.end(
        JSON.stringify(
          url.startsWith("/api/v1/")
            ? { items: [{ metadata: { name: "web-1" } }, { metadata: {} }], metadata: { continue: "more" } }
            : found({ pod: "web-1" }),
        ),
      );
    const { notes } = await source().ask(question("of=pods&namespace=a&selector=app%3Dweb"), way);
    assert.match(notes[0] ?? "", /first 100 pods/);
    assert.equal(asked[0]?.url, "/api/v1/namespaces/a/pods?labelSelector=app%3Dweb&limit=100");
    assert.equal(asked[0]?.authorization, "Bearer jo");
    assert.ok(asked.slice(1).every(({ authorization }) => authorization === undefined));
    answer = (response) => response.writeHead(403).end('{"message":"not your pods"}');
    await assert.rejects(
      source().ask(question("of=pods&namespace=a&selector=app%3Dweb"), way),
      /not your pods/,
    );
  });

  it("says why it has no answer: its own words, no JSON, silence, too much", async () => {
    const ask = (more: object = {}) => source(more).ask(question("of=cluster"), way);
    answer = (response) => response.writeHead(400).end('{"status":"error","error":"bad query"}');
    await assert.rejects(ask(), /^Error: bad query$/);
    answer = (response) => response.writeHead(302, { location: "http://elsewhere.example" }).end();
    await assert.rejects(ask(), /^Error: it answers 302$/);
    answer = () => undefined;
    await assert.rejects(ask({ withinMs: 20 }), /^Error: no answer within 0.02 s$/);
    answer = (response) => {
      const more = () => void response.write(Buffer.alloc(1024 * 1024, " "), more);
      more();
    };
    await assert.rejects(ask(), /an answer of more than 16777216 bytes/);
    await assert.rejects(
      source({ url: "http://127.0.0.1:1" }).ask(question("of=cluster"), way),
      /ECONNREFUSED/,
    );
  });
});
