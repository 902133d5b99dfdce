import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ClusterPlan } from "./cluster-state.ts";
import { customMetricsWords } from "./custom-metrics.ts";
import { clusterLayout } from "./layout.ts";
import { components, portNames } from "./topology.ts";

describe("the custom metrics of a cluster of one's own", () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "pintle-custom-metrics-"));
    await writeFile(
      join(folder, "rules.yaml"),
      "externalRules: [{seriesQuery: x, metricsQuery: 'topk(3, <<.Series>>)'}]",
    );
  });
  after(() => rm(folder, { recursive: true }));

  const words = (given: Readonly<Record<string, string>>) => {
    const nothing = { "custom-metrics-rules": undefined, "prometheus-url": undefined };
    const files = { "prometheus-ca-file": undefined, "prometheus-token-file": undefined };
    return customMetricsWords({ ...nothing, ...files, ...given }, new Set(Object.keys(given)), folder);
  };

  it("stay as they were where nothing is said, and end where the rules are none", async () => {
    assert.equal(await words({}), undefined);
    assert.deepEqual(await words({ "custom-metrics-rules": "" }), []);
  });

  it("are what the API servers are told, with whole paths", async () => {
    const rules = join(folder, "rules.yaml");
    const url = "http://127.0.0.1:9090";
    const found = await words({ "custom-metrics-rules": "rules.yaml", "prometheus-url": url });
    assert.deepEqual(found, [`--custom-metrics-rules=${rules}`, `--prometheus-url=${url}`]);
    for (const replicas of [1, 3]) {
      const size = { replicas, nodes: 1 };
      const ports = Object.fromEntries(portNames(size).map((name, at) => [name, 1000 + at]));
      const plan: ClusterPlan = {
        ...size,
        runtime: "oci",
        networkSlot: 0,
        ports,
        customMetrics: found ?? [],
      };
      const told = components(plan, clusterLayout("/cluster"))
        .map(({ argv }) => argv.filter((word) => word.includes("custom-metrics")))
        .filter((all) => all.length > 0);
      const flag = replicas === 1 ? "--apiserver.custom-metrics-rules" : "--custom-metrics-rules";
      assert.deepEqual(new Set(told.flat()), new Set([`${flag}=${rules}`]));
    }
  });

  it("are refused before anything starts, as the API servers would", async () => {
    await assert.rejects(
      words({ "custom-metrics-rules": "rules.yaml" }),
      /externalRules\[0\].metricsQuery: .*topk\(\)/,
    );
    await assert.rejects(
      words({ "custom-metrics-rules": "none.yaml" }),
      /--custom-metrics-rules: cannot read .*none.yaml/,
    );
    await assert.rejects(
      words({ "prometheus-url": "http://x" }),
      /--prometheus-url: needs --custom-metrics-rules/,
    );
    await assert.rejects(
      words({ "custom-metrics-rules": "rules.yaml", "prometheus-url": "http://a:b@x/?c" }),
      /--prometheus-url: "http:\/\/a:b@x\/\?c" is no URL/,
    );
  });
});
