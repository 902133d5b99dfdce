import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseFlags } from "../../../base/os/flags.ts";
import { auditConfig, auditFlags } from "./flags.ts";

describe("the flags of the server that audit events are sent to", () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "audit-flags-"));
    const kubeconfig = (server: string) =>
      JSON.stringify({
        "current-context": "c",
        contexts: [{ name: "c", context: { cluster: "c", user: "u" } }],
        clusters: [{ name: "c", cluster: { server } }],
        users: [{ name: "u", user: { token: "secret" } }],
      });
    writeFileSync(join(folder, "good"), kubeconfig("https://audit.example.com/events"));
    writeFileSync(join(folder, "plain"), kubeconfig("http://audit.example.com"));
    writeFileSync(
      join(folder, "policy"),
      "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{ level: Metadata }]\n",
    );
  });
  after(() => rmSync(folder, { recursive: true }));
  const read = (...argv: string[]) => {
    const problems: string[] = [];
    return { config: auditConfig(parseFlags(auditFlags, argv).flags, problems), problems };
  };

  it("stand beside those of the file, or alone, with Kubernetes' defaults", () => {
    const { config, problems } = read(
      `--audit-policy-file=${join(folder, "policy")}`,
      `--audit-webhook-config-file=${join(folder, "good")}`,
    );
    assert.deepEqual(problems, []);
    assert.equal(config?.file, undefined);
    const { access: _, ...webhook } = config?.webhook ?? {};
    assert.deepEqual(webhook, {
      url: "https://audit.example.com/events",
      bearerToken: "secret",
      mode: "batch",
      initialBackoffMs: 10_000,
      bufferEventsMax: 10_000,
      batchEventsMax: 400,
      batchWaitMs: 30_000,
      throttle: { perSecond: 10, burst: 15 },
      truncate: undefined,
    });
  });

  it("are refused by name with the rule that they break", () => {
    const { problems } = read(
      `--audit-policy-file=${join(folder, "policy")}`,
      `--audit-webhook-config-file=${join(folder, "plain")}`,
      "--audit-webhook-mode=sometimes",
      "--audit-webhook-version=audit.k8s.io/v2",
      "--audit-webhook-batch-max-size=0",
      "--audit-webhook-batch-throttle-qps=0",
      "--audit-webhook-truncate-enabled",
      "--audit-webhook-truncate-max-batch-size=10",
    );
    assert.deepEqual(problems, [
      '--audit-webhook-mode: invalid audit webhook mode sometimes, allowed modes are "batch,blocking,blocking-strict"',
      '--audit-webhook-version: "audit.k8s.io/v2" is not audit.k8s.io/v1',
      "--audit-webhook-batch-max-size: 0, must be a positive number",
      "--audit-webhook-batch-throttle-qps: 0, must be a positive number",
      "--audit-webhook-truncate-max-batch-size: must not be less than the max event size",
      '--audit-webhook-config-file: "http://audit.example.com" is not an https URL',
    ]);
    assert.deepEqual(read(`--audit-policy-file=${join(folder, "policy")}`).problems, [
      "--audit-policy-file: give it with --audit-log-path, --audit-webhook-config-file or both, or none of them",
    ]);
  });
});
