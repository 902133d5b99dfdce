import assert from "node:assert/strict";
import { askedRight } from "./asked-rights.ts";

describe("the right that a request to a node asks for", () => {
  for (const [request, verb, ...subresources] of [
    ["GET /stats/summary", "get", "stats"],
    ["GET /metrics", "get", "metrics"],
    ["GET /metrics/resource", "get", "metrics"],
    ["GET /metricsfoo", "get", "proxy"],
    ["GET /pods", "get", "pods", "proxy"],
    ["GET /runningpods/", "get", "pods", "proxy"],
    ["GET /healthz/ping", "get", "healthz", "proxy"],
    ["GET /configz", "get", "configz", "proxy"],
    ["POST /checkpoint/a/b/c", "create", "checkpoint"],
    ["GET /logs/syslog", "get", "log"],
    ["GET /logs/search", "get", "log"],
    ["GET /audit/search", "get", "proxy"],
    ["GET /containerLogs/a/b/c", "get", "proxy"],
    ["POST /exec/a/b/c", "create", "proxy"],
    ["GET /exec/a/b/c", "get", "proxy"],
    ["CONNECT /", "create", "proxy"],
    ["PUT /x", "update", "proxy"],
    ["PATCH /x", "patch", "proxy"],
    ["DELETE /x", "delete", "proxy"],
    ["OPTIONS /x", "", "proxy"],
  ] as const)
    it(`${request}: ${verb} of ${subresources.join(" or ")}`, () => {
      const [method = "", path = ""] = request.split(" ");
      assert.deepEqual(askedRight(method, path), { verb, subresources });
    });
});
