import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { MetricsRegistry } from "../../../base/os/metrics.ts";
import { issuingConfig, newSigningKey } from "../authentication/testing.ts";
import { startTestApiserver, type TestApiserver } from "../testing.ts";
import { configMap, configMaps } from "../testing-objects.ts";

interface Family {
  readonly name: string;
  type: string;
  help: string;
  readonly labels: Set<string>;
  readonly buckets: Set<string>;
}

/** The families of an exposition, with the labels and buckets that its samples show. */
function families(text: string): Map<string, Family> {
  const found = new Map<string, Family>();
  const family = (name: string) => {
    const known = found.get(name) ?? { name, type: "", help: "", labels: new Set(), buckets: new Set() };
    found.set(name, known);
    return known;
  };
  for (const line of text.split("\n")) {
    const comment = /^# (HELP|TYPE) (\S+) ?(.*)$/.exec(line);
    if (comment) {
      const [, what, name = "", said = ""] = comment;
      if (what === "HELP") family(name).help = said;
      else family(name).type = said;
      continue;
    }
    const sample = /^([a-zA-Z_:0-9]+)(?:\{(.*)\})? \S+$/.exec(line);
    if (sample === null) continue;
    const [, name = "", labels = ""] = sample;
    const owner = found.get(name) ?? found.get(name.replace(/_(bucket|sum|count)$/, ""));
    assert.ok(owner, `a sample of a family that is not declared: ${line}`);
    for (const [, label = "", value = ""] of labels.matchAll(/([a-zA-Z_]+)="((?:[^"\\]|\\.)*)"/g))
      if (label !== "le") owner.labels.add(label);
      else if (value !== "+Inf") owner.buckets.add(value);
  }
  return found;
}

/** A kube-apiserver's families, recorded: name, type, labels, buckets, help. */
function recorded(): Family[] {
  const [, ...rows] = readFileSync(new URL("./testdata/kubernetes-metrics.tsv", import.meta.url), "utf8")
    .trimEnd()
    .split("\n");
  return rows.map((row) => {
    const [name = "", type = "", labels = "", buckets = "", help = ""] = row.split("\t");
    const words = (text: string, by: string) => new Set(text === "" ? [] : text.split(by));
    return { name, type, labels: words(labels, ","), buckets: words(buckets, " "), help };
  });
}

/** What a kube-apiserver tells and this one does not, and why. */
const absent: readonly (readonly [names: RegExp, why: string])[] = [
  [
    /^(hidden|disabled|registered)_metrics_total$|^cardinality_enforcement_/,
    "no metric is hidden or disabled",
  ],
  [/^kubernetes_feature_enabled$/, "there are no feature gates"],
  [/^grpc_client_/, "the store's client counts its calls as etcd_requests_total"],
  [
    /^rest_client_/,
    "the server asks itself nothing by HTTP; webhooks, extension servers and nodes have figures of their own",
  ],
  [/^apiserver_selfrequest_total$/, "the server asks itself nothing by HTTP"],
  [/^workqueue_/, "there are no work queues: controllers have theirs"],
  [
    /^apiserver_flowcontrol_(demand_seats|priority_level_\w+_utilization|read_vs_write_current_requests)$/,
    "they observe every nanosecond",
  ],
  [
    /^apiserver_flowcontrol_(request_concurrency_(limit|in_use)|dispatch_r|latest_s|next_\w+)$/,
    "deprecated, or inner workings of Kubernetes' queues",
  ],
  [/^apiserver_request_slo_duration_seconds$|_summary$|_pods_logs_/, "deprecated"],
  [
    /^watch_cache_capacity/,
    "history is bounded by bytes, of all kinds together: pintle_apiserver_watch_history_*",
  ],
  [/^apiserver_storage_list_returned/, "what selectors leave of a page is not known where it is read"],
  [
    /^apiserver_storage_(db_total_size_in_bytes|size_bytes|consistency_checks_total)|^etcd_(bookmark|lease)/,
    "the store tells it itself",
  ],
  [/^apiserver_(envelope_encryption|storage_(data_key|envelope))/, "there is no key service"],
  [/_x509_(insecure_sha1|missing_san)_total$/, "such certificates are refused by the TLS library"],
  [/^(aggregator_(discovery|openapi)|apiextensions_)/, "discovery and schemas are made when asked for"],
  [/^apiserver_validation_/, "there is one set of validation rules, and nothing to compare it with"],
  [
    /^apiserver_authorization_decisions_total$/,
    "of authorizers of a configuration file, which there is none",
  ],
  [/^apiserver_request_(filter|timestamp|post_timeout)/, "part of the request's own figures, or of a trace"],
  [
    /^apiserver_nodeport_repair/,
    "there is nothing to repair: ports are claimed in the service's transaction",
  ],
  [
    /^apiserver_audit_requests_rejected_total$|^apiserver_audit_event_total$/,
    "without an audit policy there are none",
  ],
];

/** Ours alone, and named so that nobody takes them for Kubernetes'. */
const own = /^(pintle|nodejs)_/;

describe("the metrics of the API server", () => {
  let server: TestApiserver;
  let ours: Map<string, Family>;
  before(async () => {
    const authentication = issuingConfig(newSigningKey("ec").pem);
    server = await startTestApiserver({ config: { authentication } });
    await server.admin.call("POST", configMaps, { body: configMap("a") });
    await server.admin.call("GET", configMaps);
    await server.admin.call("GET", "/api/v1/componentstatuses");
    const watch = await server.admin.openWatch(`${configMaps}?watch=1`);
    await watch.next();
    const ofProcess = new MetricsRegistry();
    ofProcess.addProcessMetrics();
    const { text } = await server.admin.call("GET", "/metrics");
    ours = families(`${text}\n${await ofProcess.text()}`);
    await watch.return(undefined);
  });
  after(() => server.stop());

  it("have kube-apiserver's names, types, texts, labels and buckets", () => {
    const theirs = new Map(recorded().map((family) => [family.name, family]));
    for (const { name, type, help, labels, buckets } of ours.values()) {
      if (own.test(name)) continue;
      const known = theirs.get(name);
      assert.ok(known, `${name} is neither Kubernetes' nor named as ours`);
      assert.deepEqual([name, type, help], [name, known.type, known.help]);
      if (labels.size > 0) assert.deepEqual([name, [...labels].sort()], [name, [...known.labels].sort()]);
      const bounds = (all: Set<string>) => [...all].map(Number).sort((a, b) => a - b);
      if (buckets.size > 0 && known.buckets.size > 0)
        assert.deepEqual([name, bounds(buckets)], [name, bounds(known.buckets)]);
    }
  });

  it("lack of a kube-apiserver's only those that are named here with a reason", () => {
    const missing = recorded().filter(({ name }) => !ours.has(name));
    const unexplained = missing.filter(({ name }) => !absent.some(([names]) => names.test(name)));
    assert.deepEqual(
      unexplained.map(({ name }) => name),
      [],
    );
    const idle = absent.filter(([names]) => !missing.some(({ name }) => names.test(name)));
    assert.deepEqual(
      idle.map(([names]) => String(names)),
      [],
    );
  });

  it("count requests with verb, scope and code as Kubernetes does", async () => {
    const { text } = await server.admin.call("GET", "/metrics");
    const line = (verb: string, scope: string) =>
      `apiserver_request_total{code="${verb === "POST" ? 201 : 200}",component="apiserver",dry_run="",group="",resource="configmaps",scope="${scope}",subresource="",verb="${verb}",version="v1"} `;
    assert.ok(text.includes(line("POST", "resource")));
    assert.ok(text.includes(line("LIST", "namespace")));
  });

  it("name users by few words, however many there are", async () => {
    for (const name of ["jane@example.com", "joe", "system:serviceaccount:a:b"]) {
      const client = await server.clientFor(name);
      await client.call("GET", "/api");
    }
    const { text } = await server.admin.call("GET", "/metrics");
    const users = [...text.matchAll(/^authenticated_user_requests\{username="([^"]*)"\}/gm)].map(
      (one) => one[1],
    );
    assert.deepEqual(users.sort(), ["admin", "email_id", "other"]);
  });
});
