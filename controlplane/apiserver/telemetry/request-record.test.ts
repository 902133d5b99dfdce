import assert from "node:assert/strict";
import { createLog } from "../../../base/os/log.ts";
import { MetricsRegistry } from "../../../base/os/metrics.ts";
import { requestInfo } from "../filters/request-info.ts";
import { KindTable } from "../registry/kind-table.ts";
import { kinds } from "../resources/table.ts";
import { FiguresByLabels } from "./request-figures.ts";
import { requestMetrics } from "./request-metrics.ts";
import { RequestRecord } from "./request-record.ts";

const table = new KindTable(kinds);

describe("what the log tells of a request", () => {
  const record = (url: string, { verbosity = 0, userAgent = "kubectl/v1.36", auditId = "id" } = {}) => {
    let nowMs = 0;
    const lines: string[] = [];
    const log = createLog({
      format: "json",
      level: "info",
      wallMs: () => 0,
      write: (line) => lines.push(line),
    });
    const socket = { remoteAddress: "10.0.0.9", remotePort: 4711 };
    const about = {
      request: {
        url,
        method: "GET",
        headers: { "user-agent": userAgent },
        httpVersion: "2.0",
        socket,
      } as never,
      info: requestInfo("GET", url),
      auditId,
      isLong: false,
    };
    const clock = { monotonicMs: () => nowMs, wallMs: () => 0, after: () => () => {} };
    const metrics = requestMetrics(new MetricsRegistry());
    const figures = new FiguresByLabels(metrics);
    const deps = { config: { verbosity }, metrics, figures, kinds: table, clock, log };
    const one = new RequestRecord(deps, about);
    const pass = (ms: number) => {
      nowMs += ms;
    };
    return { one, pass, lines, fields: (at = 0) => JSON.parse(lines[at] ?? "{}") };
  };
  const pods = "/api/v1/namespaces/a/pods";

  it("is nothing by default while requests are quick", () => {
    const { one, pass, lines } = record(pods);
    pass(500);
    one.ends(200);
    assert.deepEqual(lines, []);
  });

  it("is a line each from verbosity 3 on, with httplog's fields and the protocol, once", () => {
    const { one, pass, lines, fields } = record(`${pods}?limit=500`, { verbosity: 3 });
    pass(12.5);
    one.ends(200);
    one.ends(200);
    assert.equal(lines.length, 1);
    const { msg, verb, URI, latency, userAgent, proto, srcIP, resp, "audit-ID": auditId } = fields();
    assert.deepEqual(
      { msg, verb, URI, latency, userAgent, proto, srcIP, resp, auditId },
      {
        msg: "HTTP",
        verb: "LIST",
        URI: `${pods}?limit=500`,
        latency: "12.500ms",
        userAgent: "kubectl/v1.36",
        proto: "HTTP/2.0",
        srcIP: "10.0.0.9:4711",
        resp: 200,
        auditId: "id",
      },
    );
  });

  it("holds nothing secret, no line breaks, and never much", () => {
    const url = `${pods}/p/exec?command=psql&command=pw%3Dx&container=c&access_token=abc&filler=${"x".repeat(5000)}`;
    const { one, lines, fields } = record(url, { verbosity: 3, userAgent: `a\nb\u2028${"y".repeat(5000)}` });
    one.ends(101);
    const { URI, userAgent } = fields();
    assert.ok(URI.startsWith(`${pods}/p/exec?command=-&command=-&container=c&access_token=-&filler=xxx`));
    assert.ok(URI.endsWith("...TRUNCATED") && URI.length < 1100);
    assert.ok(userAgent.startsWith("a?b?yyy") && userAgent.length < 1100);
    assert.equal(lines.length, 1);
  });

  it("is a trace with the time of each step where a request took more than half a second", () => {
    const { one, pass, lines, fields } = record(pods);
    pass(1);
    one.authenticated("jane");
    pass(2);
    one.authorized("allowed");
    pass(300);
    one.waited(300);
    one.step("seated");
    pass(198);
    one.step("handled");
    pass(4);
    one.ends(200);
    assert.equal(lines.length, 1);
    const { msg, total, waited, steps } = fields();
    assert.deepEqual(
      [msg, total, waited, steps],
      [
        "Trace",
        "505.000ms",
        "300.000ms",
        "authenticated 1.000ms, authorized 2.000ms, seated 300.000ms, handled 198.000ms, end 4.000ms",
      ],
    );
  });
});
