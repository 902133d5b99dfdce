import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import { prometheusMissing } from "./prometheus.ts";

const root = join(import.meta.dirname, "../..");
const rulesFolder = join(root, "examples/prometheus/rules");

interface Rules {
  readonly groups: readonly {
    readonly rules: readonly { readonly alert?: string; readonly record?: string; readonly expr: string }[];
  }[];
}

/** Names before `{` or a range, and those of families that have many. */
const named =
  /\b([a-z_][a-z0-9_:]*)(?=\s*[{[])|\b((?:aggregator|apiserver|container|etcd|kube|kubelet|kubernetes|rest|scheduler)_[a-z0-9_]+)\b/g;
const words = new Set(["by", "on", "without", "ignoring", "group_left", "sum", "up", "ALERTS"]);

/** An input series each minute, and what fires at the end of it. */
const cases = [
  {
    series: 'up{job="kubelet",metrics_path="/metrics",instance="a"}',
    values: "1x5",
    at: "20m",
    fires: { alertname: "KubeAPIDown", severity: "critical", job: "apiserver" },
    exp: { severity: "critical", job: "apiserver" },
  },
  {
    series:
      'kube_node_spec_taint{job="kube-state-metrics",node="n",key="node.kubernetes.io/unreachable",effect="NoSchedule"}',
    values: "1x30",
    at: "16m",
    fires: { alertname: "KubeNodeUnreachable" },
    exp: {
      ...{ severity: "warning", job: "kube-state-metrics", node: "n" },
      ...{ key: "node.kubernetes.io/unreachable", effect: "NoSchedule" },
    },
  },
  {
    series: 'kubelet_certificate_manager_server_ttl_seconds{job="kubelet",instance="n"}',
    values: "600000x10",
    at: "5m",
    fires: { alertname: "KubeletServerCertificateExpiration" },
    exp: { severity: "warning", job: "kubelet", instance: "n" },
  },
  {
    series: 'up{job="etcd",instance="a"}',
    values: "0x40",
    at: "25m",
    fires: { alertname: "etcdMembersDown" },
    exp: { severity: "warning", job: "etcd" },
  },
];

describe("integration: the example's rules for Prometheus", function () {
  this.timeout(60_000);
  const files = async () => (await readdir(rulesFolder)).map((name) => join(rulesFolder, name));

  it("ask for nothing that no part serves", async () => {
    const page = await readFile(join(root, "docs/reference/metrics.md"), "utf8");
    const served = new Set([...page.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name));
    const asked = new Set<string>();
    const recorded = new Set<string>();
    for (const file of await files())
      for (const { rules } of (parse(await readFile(file, "utf8")) as Rules).groups)
        for (const { record, expr } of rules) {
          if (record !== undefined) recorded.add(record);
          const plain = expr.replace(/#.*$/gm, "").replace(/"[^"]*"/g, '""');
          for (const [, before, family] of plain.matchAll(named)) asked.add(before ?? family ?? "");
        }
    assert.ok(asked.size > 60, String(asked.size));
    const missing = [...asked].filter((name) => {
      const base = name.replace(/_(bucket|sum|count)$/, "");
      const isRecorded = [...recorded].some((one) => one === name || one.split(":").includes(name));
      return !words.has(name) && !served.has(name) && !served.has(base) && !isRecorded;
    });
    assert.deepEqual(missing, []);
  });

  it("fire when they should, and for as long as they say", async function () {
    if (prometheusMissing) return this.skip();
    const folder = await mkdtemp(join(tmpdir(), "pintle-rules-"));
    try {
      const tests = cases.map(({ series, values, at, fires, exp }) => ({
        interval: "1m",
        input_series: [{ series, values }],
        alert_rule_test: [
          { eval_time: "0m", alertname: fires.alertname, exp_alerts: [] as object[] },
          { eval_time: at, alertname: fires.alertname, exp_alerts: [{ exp_labels: exp }] },
        ].slice(fires.alertname === "KubeletServerCertificateExpiration" ? 1 : 0),
      }));
      const plain: string[] = [];
      for (const [at, file] of (await files()).entries()) {
        const rules = parse(await readFile(file, "utf8")) as {
          groups: { rules: { annotations?: object }[] }[];
        };
        // Words are not what is tested.
        for (const group of rules.groups) for (const rule of group.rules) delete rule.annotations;
        plain.push(join(folder, `rules-${at}.json`));
        await writeFile(plain.at(-1) ?? "", JSON.stringify(rules));
      }
      const test = join(folder, "test.json");
      await writeFile(test, JSON.stringify({ rule_files: plain, evaluation_interval: "1m", tests }));
      const { status, stdout, stderr } = spawnSync("promtool", ["test", "rules", test], { encoding: "utf8" });
      assert.equal(status, 0, stdout + stderr);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
