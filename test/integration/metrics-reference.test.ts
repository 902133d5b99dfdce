import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { loadKubeconfig } from "../../client/kubeconfig.ts";
import { RestClient } from "../../client/rest.ts";
import { declaredMetrics } from "../../scripts/reference/declared-metrics.ts";
import { metricRows, metricsPage } from "../../scripts/reference/metrics-page.ts";
import { readMetrics, runningMetrics } from "../../scripts/reference/running-metrics.ts";
import { type LocalCluster, startCluster } from "../local-cluster.ts";

const root = join(import.meta.dirname, "../..");

describe("integration: docs/reference/metrics.md", function () {
  this.timeout(120_000);
  let cluster: LocalCluster;
  let client: RestClient;
  before(async () => {
    cluster = await startCluster({ replicas: 1, nodes: 1, runtime: "process" });
    client = new RestClient(loadKubeconfig(cluster.kubeconfig));
  });
  after(async () => {
    client?.close();
    await cluster?.stop();
  });

  it("names what every part of a running cluster shows: otherwise npm run reference:metrics", async () => {
    const { ports } = cluster.state().plan;
    const shown = await runningMetrics({ ports, raw: (path) => client.raw("GET", path) });
    const wanted = metricsPage(metricRows(shown, declaredMetrics(root))).split("\n");
    const written = readFileSync(join(root, "docs/reference/metrics.md"), "utf8").split("\n");
    // A part registers some metrics only a while after it is ready: the line is there then, under another heading.
    assert.deepEqual(
      {
        missing: wanted.filter((line) => !written.includes(line)),
        stale: written.filter((line) => !wanted.includes(line)),
      },
      { missing: [], stale: [] },
    );
  });

  it("reads names, types, helps and labels of the text form", () => {
    const text = [
      "# HELP a_total Of a\\\\b.",
      "# TYPE a_total counter",
      'a_total{x="1,y=\\"2\\"",z="3"} 4',
      "# HELP b B",
      "# TYPE b histogram",
      'b_bucket{le="1",w="q"} 0',
      'b_count{w="q"} 0',
      "# HELP c C",
      "# TYPE c gauge",
      "# HELP d D",
      "# TYPE d gauge",
      "d 1",
      "",
    ].join("\n");
    assert.deepEqual(readMetrics(text), [
      { name: "a_total", type: "counter", help: "Of a\\b.", labels: new Set(["x", "z"]) },
      { name: "b", type: "histogram", help: "B", labels: new Set(["w"]) },
      { name: "c", type: "gauge", help: "C", labels: undefined },
      { name: "d", type: "gauge", help: "D", labels: new Set() },
    ]);
  });
});
