import assert from "node:assert/strict";
import { resources } from "../client/resources.ts";
import type { KubeObject, Pod } from "../client/types.ts";
import { startCluster } from "./start-cluster.ts";
import type { WebhookOptions } from "./webhooks/admission-webhook.ts";

const configMap = (name: string, labels: Readonly<Record<string, string>> = {}) => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, labels },
});
const manual = { clock: "manual", seed: 1 } as const;

describe("webhooks of a cluster", function () {
  this.timeout(60_000);

  it("validate and change what is asked, as functions of the test", async () => {
    await using cluster = await startCluster(manual);
    const rules = [{ resources: ["configmaps"] }];
    const checks = await cluster.webhook({
      name: "teams.test.example.com",
      rules,
      validate: ({ object, operation }) =>
        object?.metadata.labels?.team === undefined
          ? `a team has to own it (${operation})`
          : { allowed: true, warnings: ["seen"] },
    });
    await assert.rejects(
      cluster.apply(configMap("a")),
      /admission webhook "teams.test.example.com" denied the request: a team has to own it \(CREATE\)/,
    );
    const changes = await cluster.webhook<KubeObject & { data?: Record<string, string> }>({
      rules,
      objectSelector: { matchLabels: { grow: "yes" } },
      mutate: ({ object }) =>
        object && {
          ...object,
          metadata: { ...object.metadata, labels: { ...object.metadata.labels, team: "x" } },
          data: { a: "b" },
        },
    });
    const [made] = await cluster.apply(configMap("b", { grow: "yes" }));
    assert.deepEqual([made?.metadata.labels, made?.data], [{ grow: "yes", team: "x" }, { a: "b" }]);
    assert.equal(checks.requests.length, 2);
    const asked = cluster.requests.list({ resource: "configmaps", name: "b", code: 201 });
    assert.deepEqual(asked[0]?.warnings, ["seen"]);
    assert.equal(changes.requests[0]?.userInfo.username, "admin");
    const kinds = ["ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"];
    for (const [at, name] of [checks.name, changes.name].entries()) {
      const kind = await cluster.client.kindOf({
        apiVersion: "admissionregistration.k8s.io/v1",
        kind: kinds[at] ?? "",
      });
      assert.equal((await cluster.client.get(kind, { name })).metadata.name, name);
    }
    await checks.remove();
    await cluster.apply(configMap("a"));
    await cluster.webhook({ rules, mutate: () => [{ op: "add", path: "/data", value: { patched: "yes" } }] });
    const [patched] = await cluster.apply(configMap("c"));
    assert.deepEqual(patched?.data, { patched: "yes" });
    await cluster.webhook({
      rules: [{ resources: ["pods"] }],
      mutate: () => {
        throw new Error("no pods today");
      },
    });
    const pod = {
      metadata: { name: "p", namespace: "default" },
      spec: { containers: [{ name: "c", image: "i" }] },
    };
    await assert.rejects(
      cluster.client.create(resources.pods, pod as unknown as Pod),
      /denied the request: no pods today/,
    );
  });

  it("count what is changed in place, keep what they were asked, and refuse what is no answer", async () => {
    await using cluster = await startCluster({ ...manual, nodes: 0 });
    const rules = [{ resources: ["configmaps"] }];
    const changes = await cluster.webhook({
      rules,
      mutate: ({ object }) => {
        Object.assign(object ?? {}, { data: { a: "b" } });
      },
    });
    const [made] = await cluster.apply(configMap("a"));
    assert.deepEqual([made?.data, changes.requests[0]?.object?.data], [{ a: "b" }, undefined]);
    await changes.remove();
    const wrong: readonly (readonly [Partial<WebhookOptions>, RegExp])[] = [
      [{ mutate: () => "x" as never }, /denied the request: mutate answered "x", which is neither an object/],
      [{ mutate: () => true as never }, /mutate answered true/],
      [{ validate: () => null as never }, /denied the request: validate answered null, which is neither/],
      [{ validate: () => ({}) as never }, /validate answered {}/],
      [{ validate: () => "" }, /denied the request: the webhook refused it/],
    ];
    for (const [options, expected] of wrong) {
      const hook = await cluster.webhook({ rules, ...options });
      await assert.rejects(cluster.apply(configMap("b")), expected);
      await hook.remove();
    }
    await assert.rejects(cluster.webhook(null as never), /^TypeError: null must be options/);
    await assert.rejects(
      cluster.convert("a.example.com", 5 as never),
      /^TypeError: convert: 5 must be a function/,
    );
  });

  it("are removed once, not with another that has their name by then", async () => {
    await using cluster = await startCluster({ ...manual, nodes: 0 });
    const options = {
      name: "a.test.example.com",
      rules: [{ resources: ["configmaps"] }],
      validate: () => false,
    };
    const first = await cluster.webhook(options);
    await first.remove();
    await cluster.webhook(options);
    await first.remove();
    await assert.rejects(cluster.apply(configMap("a")), /the webhook refused it/);
  });

  it("time out by the cluster's clock, and are refused by name", async () => {
    await using cluster = await startCluster(manual);
    await cluster.webhook({
      rules: [{ resources: ["configmaps"] }],
      validate: () => new Promise<boolean>(() => undefined),
      timeoutSeconds: 5,
    });
    const refused = assert.rejects(cluster.apply(configMap("a")), /context deadline exceeded/);
    await cluster.clock.advance("5s");
    await refused;
    const rules = [{ resources: ["pods"] }];
    await assert.rejects(
      cluster.webhook({ rules }),
      /^TypeError: a webhook needs one of validate and mutate/,
    );
    await assert.rejects(
      cluster.webhook({ rules: [], validate: () => true }),
      /^TypeError: rules: \[\] must be a list/,
    );
    await assert.rejects(
      cluster.webhook({ rules, validate: () => true, timeout: 3 } as never),
      /^TypeError: timeout: 3 is none of name/,
    );
    await assert.rejects(cluster.webhook({ rules, validate: () => true, name: "short" }), { code: 422 });
    await cluster.webhook({ rules, validate: () => true, name: "a.b.c" });
    await assert.rejects(
      cluster.webhook({ rules, validate: () => true, name: "a.b.c" }),
      /somebody answers for/,
    );
  });

  it("answer for a Service that applied manifests lead to", async () => {
    await using cluster = await startCluster(manual);
    const asked: string[] = [];
    cluster.answerWebhooks("system/webhooks", (review, url) => {
      asked.push(url);
      const { uid } = review.request as { uid: string };
      return {
        ...review,
        request: undefined,
        response: { uid, allowed: false, status: { message: "not here" } },
      };
    });
    await cluster.apply(`
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: { name: mine }
webhooks:
  - name: mine.example.com
    clientConfig: { service: { namespace: system, name: webhooks, path: /validate } }
    rules: [{ apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [configmaps] }]
    admissionReviewVersions: [v1]
    sideEffects: None
`);
    await assert.rejects(cluster.apply(configMap("a")), /"mine.example.com" denied the request: not here/);
    assert.deepEqual(asked, ["https://webhooks.system.svc:443/validate"]);
    assert.throws(
      () => cluster.answerWebhooks("webhooks", () => ({})),
      /service: "webhooks" must be NAMESPACE\/NAME/,
    );
  });

  it("convert custom objects between versions", async () => {
    await using cluster = await startCluster(manual);
    const version = (name: string, storage: boolean) => ({
      name,
      served: true,
      storage,
      schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
    });
    const definition = {
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name: "things.example.com" },
      spec: {
        group: "example.com",
        scope: "Namespaced",
        names: { kind: "Thing", plural: "things", singular: "thing", listKind: "ThingList" },
        versions: [version("v1", true), version("v1alpha1", false)],
      },
    };
    await cluster.apply(definition);
    await cluster.convert("things.example.com", (object, apiVersion) => {
      if (object.metadata.name === "odd") throw new Error("cannot be converted");
      const { size, amount, ...rest } = object;
      return apiVersion === "example.com/v1" ? { ...rest, amount: size } : { ...rest, size: amount };
    });
    await cluster.untilReady(definition);
    await cluster.clock.advance("1s");
    const [old] = await cluster.apply({
      apiVersion: "example.com/v1alpha1",
      kind: "Thing",
      metadata: { name: "one" },
      size: 3,
    });
    assert.equal(old?.size, 3);
    const things = await cluster.client.kindOf({ apiVersion: "example.com/v1", kind: "Thing" });
    const stored = await cluster.client.get(things, { namespace: "default", name: "one" });
    assert.equal(stored.amount, 3);
    await cluster.apply({ apiVersion: "example.com/v1", kind: "Thing", metadata: { name: "odd" } });
    const older = await cluster.client.kindOf({ apiVersion: "example.com/v1alpha1", kind: "Thing" });
    await assert.rejects(
      cluster.client.get(older, { namespace: "default", name: "odd" }),
      /cannot be converted/,
    );
  });
});
