import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readAuditPolicy } from "./audit/policy.ts";
import type { JsonObject } from "./json.ts";
import { encodeKubernetesProtobuf } from "./schema/protobuf-envelope.ts";
import { startTestApiserver, type TestApiserver } from "./testing.ts";

interface AuditEvent {
  readonly [field: string]: unknown;
  readonly stage: string;
  readonly verb: string;
  readonly requestURI: string;
  readonly user: { readonly username?: string };
  readonly annotations?: Readonly<Record<string, string>>;
}
const maps = "/api/v1/namespaces/default/configmaps";
const body = (name: string) => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name },
  data: { n: "1" },
});

describe("the audit log tells of requests as its policy says", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "audit-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** What is told of what `work` does; the server's own start is not. */
  async function told(
    rules: readonly object[],
    work: (api: TestApiserver) => Promise<void>,
    more: object = {},
  ): Promise<readonly AuditEvent[]> {
    const problems: string[] = [];
    const policy = readAuditPolicy(
      { apiVersion: "audit.k8s.io/v1", kind: "Policy", rules, ...more },
      problems,
    );
    assert.deepEqual(problems, []);
    const path = join(folder, "audit.log");
    const file = { path, ageDaysMax: 0, backupsMax: 0, sizeBytesMax: 1e9 };
    const api = await startTestApiserver({ config: { audit: { policy, file, webhook: undefined } } });
    try {
      await work(api);
    } finally {
      await api.stop();
    }
    let text = "";
    try {
      text = readFileSync(path, "utf8");
    } catch {
      return []; // nothing was told
    }
    return text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
  }
  const ofMaps = { group: "", resources: ["configmaps"] };

  it("who did what to which object, and what came of it", async () => {
    const events = await told([{ level: "Metadata", resources: [ofMaps] }], async (api) => {
      const { headers } = await api.admin.call("POST", `${maps}?fieldManager=me`, {
        body: body("a"),
        headers: { "user-agent": "tester/1", "audit-id": "an-id" },
      });
      assert.equal(headers["audit-id"], "an-id");
      await api.admin.call("GET", "/api/v1/namespaces/default/secrets");
    });
    assert.deepEqual(
      events.map(({ stage }) => stage),
      ["RequestReceived", "ResponseComplete"],
    );
    const [received, complete] = events as [AuditEvent, AuditEvent];
    const { requestReceivedTimestamp, stageTimestamp, user, annotations, ...rest } = complete;
    assert.deepEqual(rest, {
      kind: "Event",
      apiVersion: "audit.k8s.io/v1",
      level: "Metadata",
      auditID: "an-id",
      stage: "ResponseComplete",
      requestURI: `${maps}?fieldManager=me`,
      verb: "create",
      sourceIPs: ["127.0.0.1"],
      userAgent: "tester/1",
      objectRef: { resource: "configmaps", namespace: "default", name: "a", apiVersion: "v1" },
      responseStatus: { metadata: {}, code: 201 },
    });
    assert.deepEqual(annotations, {
      "authorization.k8s.io/decision": "allow",
      "authorization.k8s.io/reason": "",
    });
    assert.match(String(user.username), /./);
    for (const time of [requestReceivedTimestamp, stageTimestamp])
      assert.match(String(time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    assert.equal(received.stageTimestamp, received.requestReceivedTimestamp);
    assert.equal(received.responseStatus, undefined);
  });

  it("with what was sent, and what was answered, where that is asked for", async () => {
    const rules = [
      { level: "Request", verbs: ["create"], resources: [ofMaps], omitStages: ["RequestReceived"] },
      { level: "RequestResponse", resources: [ofMaps], omitManagedFields: true },
    ];
    const more = { omitStages: ["RequestReceived"] };
    const events = await told(
      rules,
      async ({ admin }) => {
        await admin.call("POST", maps, { body: body("a") });
        const type = "application/merge-patch+json";
        await admin.call("PATCH", `${maps}/a`, { body: { data: { n: "2" } }, type });
        await admin.call("GET", maps);
        await admin.call("DELETE", `${maps}/a`, { body: { propagationPolicy: "Background" } });
      },
      more,
    );
    assert.deepEqual(
      events.map(({ verb, stage }) => `${verb} ${stage}`),
      ["create", "patch", "list", "delete"].map((verb) => `${verb} ResponseComplete`),
    );
    interface Told {
      readonly requestObject: object;
      readonly responseObject?: {
        readonly data: object;
        readonly metadata: { readonly managedFields?: unknown };
        readonly items: readonly { readonly metadata: { readonly managedFields?: unknown } }[];
      };
      readonly responseStatus: { readonly status: string };
    }
    const [create, patch, list, remove] = events as unknown as [Told, Told, Told, Told];
    assert.deepEqual([create.requestObject, create.responseObject], [body("a"), undefined]);
    assert.deepEqual(patch.requestObject, { data: { n: "2" } });
    assert.deepEqual(patch.responseObject?.data, { n: "2" });
    assert.equal(patch.responseObject?.metadata.managedFields, undefined);
    const items = list.responseObject?.items ?? [];
    assert.ok(items.length > 0);
    assert.ok(items.every(({ metadata }) => metadata.managedFields === undefined));
    assert.deepEqual(remove.requestObject, { propagationPolicy: "Background" });
    assert.equal(remove.responseStatus.status, "Success");
  });

  it("in JSON, whichever form a body came in: no reader of the log meets another", async () => {
    const made = ["in JSON", "in YAML", "in protobuf"].map((n, at) => ({
      ...body(`m${at}`),
      data: { n },
    }));
    const [json, yaml, protobuf] = made as [object, object, object];
    const flow = `{apiVersion: v1, kind: ConfigMap, metadata: {name: m1},\n data: {"n": in YAML}}`;
    const events = await told([{ level: "Request", verbs: ["create"] }], async ({ admin }) => {
      for (const [type, sent] of [
        ["application/json", json],
        ["application/yaml", flow],
        ["application/vnd.kubernetes.protobuf", encodeKubernetesProtobuf(protobuf as JsonObject)],
      ] as const)
        assert.equal((await admin.call("POST", maps, { body: sent, type })).code, 201, type);
    });
    const objects = events
      .filter(({ stage }) => stage === "ResponseComplete")
      .map(({ requestObject }) => requestObject as { readonly metadata: object });
    assert.deepEqual(objects.slice(0, 2), [json, yaml]);
    assert.deepEqual(
      objects.map(({ metadata }) => (metadata as { readonly name: string }).name),
      ["m0", "m1", "m2"],
    );
  });

  it("of watches also when their answer begins", async () => {
    const events = await told([{ level: "Metadata", verbs: ["watch"] }], async ({ admin }) => {
      const watch = await admin.openWatch(`${maps}?watch=1`);
      await watch.return();
    });
    assert.deepEqual(
      events.map(({ stage, responseStatus }) => [stage, (responseStatus as { code?: number })?.code]),
      [
        ["RequestReceived", undefined],
        ["ResponseStarted", 200],
        ["ResponseComplete", 200],
      ],
    );
  });

  it("of refusals why, of impersonation both, and of strangers that they are unknown", async () => {
    const rules = [{ level: "Metadata", resources: [ofMaps], omitStages: ["RequestReceived"] }];
    const events = await told(rules, async (api) => {
      const jane = await api.clientFor("jane", ["devs"]);
      await jane.call("GET", `${maps}/a`);
      jane.close();
      await api.admin.call("GET", `${maps}/a`, { headers: { "impersonate-user": "joe" } });
      await api.stranger.call("GET", maps, { headers: { authorization: "Bearer nonsense" } });
    });
    const [refused, impersonated, stranger] = events as [AuditEvent, AuditEvent, AuditEvent];
    assert.equal(refused.user.username, "jane");
    assert.equal(refused.annotations?.["authorization.k8s.io/decision"], "forbid");
    const status = refused.responseStatus as Record<string, unknown>;
    assert.deepEqual([status.code, status.status, status.reason], [403, "Failure", "Forbidden"]);
    assert.match(String(status.message), /User "jane" cannot get resource "configmaps"/);
    assert.notEqual(impersonated.user.username, "joe");
    assert.equal((impersonated.impersonatedUser as { username: string }).username, "joe");
    assert.deepEqual(
      [stranger.stage, stranger.user, (stranger.responseStatus as { code: number }).code],
      ["ResponseStarted", {}, 401],
    );
    assert.equal(events.length, 3);
  });

  it("with what admission noted", async () => {
    const rules = [{ level: "Metadata", resources: [{ resources: ["pods"] }] }];
    const events = await told(
      rules,
      async ({ admin }) => {
        const labels = {
          "pod-security.kubernetes.io/audit": "restricted",
          "pod-security.kubernetes.io/audit-version": "v1.0",
        };
        const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: "n", labels } };
        await admin.call("POST", "/api/v1/namespaces", { body: namespace });
        const spec = { containers: [{ name: "c", image: "i" }] };
        const pod = { apiVersion: "v1", kind: "Pod", metadata: { name: "p" }, spec };
        assert.equal((await admin.call("POST", "/api/v1/namespaces/n/pods", { body: pod })).code, 201);
      },
      { omitStages: ["RequestReceived"] },
    );
    assert.deepEqual(events[0]?.annotations, {
      "authorization.k8s.io/decision": "allow",
      "authorization.k8s.io/reason": "",
      "pod-security.kubernetes.io/enforce-policy": "privileged:latest",
      "pod-security.kubernetes.io/audit-violations":
        'would violate PodSecurity "restricted:v1.0": runAsNonRoot != true (pod or container "c" must set securityContext.runAsNonRoot=true)',
    });
  });

  it("of nothing where no rule asks for it", async () => {
    const events = await told([{ level: "None" }, { level: "Metadata" }], async ({ admin }) => {
      await admin.call("POST", maps, { body: body("a") });
      await admin.call("GET", "/version");
    });
    assert.deepEqual(events, []);
  });
});
