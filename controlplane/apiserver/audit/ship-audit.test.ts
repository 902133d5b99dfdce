import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../../base/os/clock.ts";
import { systemDisk } from "../../../base/os/disk.ts";
import { parseFlags } from "../../../base/os/flags.ts";
import { silentLog } from "../../../base/os/log.ts";
import { MetricsRegistry } from "../../../base/os/metrics.ts";
import { systemRandom } from "../../../base/os/random.ts";
import { bulkAnswer, httpReceiver } from "../../../shipping/testing/http-receiver.ts";
import { auditAsConfigured } from "./compose.ts";
import { auditConfig, auditFlags } from "./flags.ts";

const event = (auditID: string, stage: string, namespace = "shop") =>
  `${JSON.stringify({
    kind: "Event",
    apiVersion: "audit.k8s.io/v1",
    level: "Metadata",
    auditID,
    stage,
    requestURI: "/api/v1/pods",
    verb: "list",
    user: { username: "jane" },
    objectRef: { resource: "pods", namespace },
    responseStatus: { code: 200 },
    stageTimestamp: "2026-01-02T03:04:05.123456Z",
  })}\n`;

describe("an API server that ships its audit log", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "pintle-audit-"));
    writeFileSync(
      join(folder, "policy.yaml"),
      "{ apiVersion: audit.k8s.io/v1, kind: Policy, rules: [{ level: Metadata }] }",
    );
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  const configured = (...argv: string[]) => {
    const problems: string[] = [];
    const { flags } = parseFlags(auditFlags, [`--audit-policy-file=${join(folder, "policy.yaml")}`, ...argv]);
    return { config: auditConfig(flags, problems), problems };
  };

  it("sends its events over files that gave way, and only those of the namespaces that are asked for", async () => {
    const store = new Map<string, Record<string, unknown>>();
    let wake: () => void = () => undefined;
    const receiver = await httpReceiver(({ body }) => {
      const answer = bulkAnswer(body, store);
      wake();
      return answer;
    });
    writeFileSync(
      join(folder, "shipping.yaml"),
      `apiVersion: pintle.dev/v1alpha1
kind: LogShipping
receivers:
- name: search
  elasticsearch: { url: "http://127.0.0.1:${receiver.port}" }
  select: [{ source: audit, namespaces: [shop] }]
  batch: { maxWait: 0s }
`,
    );
    const log = join(folder, "audit.log");
    writeFileSync(join(folder, "audit-2026-01-01T00-00-00.000.log"), event("1", "ResponseComplete"));
    writeFileSync(log, event("2", "RequestReceived") + event("9", "ResponseComplete", "other"));
    const { config, problems } = configured(
      `--audit-log-path=${log}`,
      `--log-shipping=${join(folder, "shipping.yaml")}`,
      `--log-shipping-dir=${join(folder, "waiting")}`,
    );
    assert.deepEqual(problems, []);
    const metrics = new MetricsRegistry();
    const os = { clock: systemClock, random: systemRandom, disk: systemDisk, log: silentLog, metrics };
    const audit = auditAsConfigured(config, os, silentLog);
    const until = async (count: number) => {
      while (store.size < count)
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
    };
    try {
      await until(2);
      renameSync(log, join(folder, "audit-2026-01-02T00-00-00.000.log"));
      appendFileSync(log, `${event("2", "ResponseComplete")}no JSON\n${event("3", "Panic")}`);
      await until(4);
    } finally {
      await audit?.close();
      await receiver.close();
    }
    assert.deepEqual(
      [...store.keys()],
      ["1.ResponseComplete", "2.RequestReceived", "2.ResponseComplete", "3.Panic"],
    );
    const [first] = [...store.values()];
    assert.deepEqual(
      [first?.["@timestamp"], first?.["kubernetes.namespace"], first?.message],
      ["2026-01-02T03:04:05.123456Z", "shop", event("1", "ResponseComplete").trimEnd()],
    );
    assert.deepEqual(first?.attributes, {
      "k8s.audit.id": "1",
      "k8s.audit.stage": "ResponseComplete",
      "k8s.audit.verb": "list",
      "k8s.audit.user": "jane",
      "k8s.audit.uri": "/api/v1/pods",
      "k8s.audit.resource": "pods",
      "k8s.audit.code": "200",
    });
  });

  it("says what is missing or wrong", () => {
    const file = join(folder, "x.yaml");
    assert.match(
      configured(`--log-shipping=${file}`).problems.join("\n"),
      /--log-shipping: .* needs --audit-log-path/,
    );
    const { problems } = configured(`--log-shipping=${file}`, `--audit-log-path=${join(folder, "a.log")}`);
    assert.match(problems.join("\n"), /--log-shipping: .*x\.yaml: ENOENT/);
  });
});
