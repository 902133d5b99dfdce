import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import type { Stream } from "../record.ts";
import { isSelected, mayBeSelected } from "../selection.ts";
import { readShippingConfig, readShippingFile } from "./read-config.ts";
import { problemText } from "./reading.ts";

const head = "apiVersion: pintle.dev/v1alpha1\nkind: LogShipping\n";
const read = (text: string) => {
  const problems: string[] = [];
  const config = readShippingConfig(parse(text), "/etc/pintle", (...said) =>
    problems.push(problemText(...said)),
  );
  return { config, problems };
};

describe("a file that says where logs are shipped", () => {
  it("has a receiver of one kind each, with what is usual where nothing is said", () => {
    const { config, problems } = read(`${head}
cluster: prod
receivers:
- name: search
  elasticsearch:
    url: https://es.example:9200/base
    index: logs-%{namespace}-%Y.%m
    basic: { username: elastic, passwordFile: password }
    tls: { caFile: ca.pem, certFile: /c.pem, keyFile: /k.pem, serverName: es }
  select:
  - { source: containers, namespaces: [shop], labelSelector: "app=web,tier notin (x)" }
  - { source: events }
  buffer: { maxBytes: 64Mi, whenFull: drop-oldest }
  batch: { maxRecords: 10, maxBytes: 64Ki, maxWait: 5s }
  retry: { firstWait: 1s, maxWait: 1m, giveUpAfter: 1h }
- name: loki
  loki: { url: "http://loki:3100", labels: [source, namespace], podLabels: { app: app }, bearerTokenFile: /t }
- name: collector
  otlp: { url: "http://otel:4317", protocol: grpc }
- name: disk
  file: { path: all.ndjson, maxBytes: 1Mi }
`);
    assert.deepEqual(problems, []);
    const [search, loki, collector, disk] = config.shipments;
    assert.equal(search?.buffer.segmentBytes, 8 * 1024 * 1024);
    assert.deepEqual(search?.sending, {
      batchRecordsMax: 10,
      batchBytesMax: 65_536,
      batchWaitMs: 5_000,
      backoff: { firstMs: 1_000, mostMs: 60_000 },
      giveUpAfterMs: 3_600_000,
    });
    const access = search?.receiver.kind === "elasticsearch" ? search.receiver.access : undefined;
    assert.deepEqual(
      [access?.caFile, access?.basic?.passwordFile],
      ["/etc/pintle/ca.pem", "/etc/pintle/password"],
    );
    assert.deepEqual(loki?.selections, [{}]);
    assert.equal(loki?.sending.giveUpAfterMs, Number.POSITIVE_INFINITY);
    assert.equal(loki?.buffer.whenFull, "stop-reading");
    assert.ok(collector?.receiver.kind === "otlp" && !collector.receiver.access.gzip);
    assert.ok(disk?.receiver.kind === "file" && disk.receiver.path === "/etc/pintle/all.ndjson");
  });

  const wrong: readonly (readonly [what: string, text: string, problems: readonly string[]])[] = [
    ["another kind", "kind: Pod\n", ["apiVersion", "kind", "receivers"]],
    ["a name that is no name", "receivers: [{ name: A_b, file: { path: /x } }]", ["receivers[0].name"]],
    ["no kind", "receivers: [{ name: a }]", ["receivers[0].name"]],
    [
      "two kinds",
      "receivers: [{ name: a, file: { path: /x }, loki: { url: 'http://l' } }]",
      ["receivers[0].file"],
    ],
    [
      "two of a name",
      "receivers: [{ name: a, file: { path: /x } }, { name: a, file: { path: /y } }]",
      ["receivers"],
    ],
    [
      "a field that is not known",
      "receivers: [{ name: a, file: { path: /x, mode: 1 } }]",
      ["receivers[0].file.mode"],
    ],
    [
      "a secret in a URL or header",
      "receivers: [{ name: a, loki: { url: 'http://u:p@l', headers: { Authorization: x } } }]",
      ["receivers[0].loki.url", "receivers[0].loki.headers"],
    ],
    [
      "settings beyond their bounds",
      "receivers: [{ name: a, file: { path: /x }, batch: { maxRecords: 0, maxWait: 1d }, buffer: { maxBytes: 1Ki, whenFull: x } }]",
      [
        "receivers[0].batch.maxRecords",
        "receivers[0].batch.maxWait",
        "receivers[0].buffer.maxBytes",
        "receivers[0].buffer.whenFull",
      ],
    ],
    [
      "labels where there are none",
      "receivers: [{ name: a, file: { path: /x }, select: [{ source: events, labelSelector: a }, { source: components, namespaces: [x] }, { labelSelector: 'a in (' }] }]",
      [
        "receivers[0].select[0].labelSelector",
        "receivers[0].select[1].namespaces",
        "receivers[0].select[2].labelSelector",
      ],
    ],
    [
      "an index in capitals",
      "receivers: [{ name: a, elasticsearch: { url: 'http://e', index: Logs } }]",
      ["receivers[0].elasticsearch.index"],
    ],
    [
      "a label of Loki's that would be too many streams",
      "receivers: [{ name: a, loki: { url: 'http://l', labels: [pod], podLabels: { source: x } } }]",
      ["receivers[0].loki.labels", "receivers[0].loki.podLabels"],
    ],
    [
      "TLS without https, and half a pair",
      "receivers: [{ name: a, loki: { url: 'http://l', tls: { certFile: x } } }]",
      ["receivers[0].loki.tls", "receivers[0].loki.tls.certFile"],
    ],
    [
      "gzip by gRPC",
      "receivers: [{ name: a, otlp: { url: 'http://o', protocol: grpc, gzip: true } }]",
      ["receivers[0].otlp.gzip"],
    ],
  ];
  for (const [what, text, fields] of wrong)
    it(`is refused for ${what}, by field, value and rule`, () => {
      const { problems } = read(text.startsWith("kind") ? text : head + text);
      assert.deepEqual(
        problems.map((problem) => problem.split(":")[0]),
        fields,
      );
    });

  it("is as the how-to shows it", () => {
    const page = readFileSync(join(import.meta.dirname, "../../docs/how-to/ship-logs.md"), "utf8");
    const shown = [...page.matchAll(/```yaml file=\S+\n([\s\S]*?)```/g)].map(([, text = ""]) => read(text));
    assert.ok(shown.length >= 5);
    assert.deepEqual(
      shown.flatMap(({ problems }) => problems),
      [],
    );
    // Every setting with its usual value.
    const usual = read(
      `${head}receivers: [{ name: elastic, elasticsearch: { url: "http://elasticsearch.example:9200" } }]`,
    );
    assert.deepEqual(shown.at(-1)?.config, usual.config);
  });

  it("is refused as a whole with the flag and the file's name", () => {
    const folder = mkdtempSync(join(tmpdir(), "pintle-shipping-"));
    try {
      const path = join(folder, "x.yaml");
      assert.throws(() => readShippingFile("log-shipping", path), /--log-shipping: .*x\.yaml: ENOENT/);
      writeFileSync(path, "a: [");
      assert.throws(() => readShippingFile("log-shipping", path), /--log-shipping: .*x\.yaml: /);
      writeFileSync(path, `${head}receivers: [{ name: a, file: { path: "" } }]`);
      assert.throws(() => readShippingFile("log-shipping", path), /receivers\[0\]\.file\.path: "" is /);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("selects by source, namespace and labels", () => {
    const { config } = read(`${head}receivers: [{ name: a, file: { path: /x }, select: [
      { source: containers, exceptNamespaces: [kube-system], labelSelector: "app in (web)" },
      { source: audit, namespaces: [shop] }, { source: components } ] }]`);
    const selections = config.shipments[0]?.selections ?? [];
    const pod = (app: string) => ({ name: "p", uid: "u", labels: { app } });
    const of = (stream: Omit<Stream, "key">) => mayBeSelected({ key: "k", ...stream }, selections);
    assert.ok(of({ source: "containers", namespace: "shop", pod: pod("web") }));
    assert.ok(!of({ source: "containers", namespace: "shop", pod: pod("db") }));
    assert.ok(!of({ source: "containers", namespace: "kube-system", pod: pod("web") }));
    assert.ok(of({ source: "components" }) && of({ source: "audit" }) && !of({ source: "events" }));
    const line = { stream: { source: "audit", key: "k" }, id: "1", time: "", text: "" } as const;
    assert.ok(isSelected({ ...line, namespace: "shop" }, selections));
    assert.ok(!isSelected({ ...line, namespace: "other" }, selections) && !isSelected(line, selections));
  });
});
