import assert from "node:assert/strict";
import { startTestApiserver, type TestApiserver } from "../testing.ts";

/** As kube-apiserver 1.36.3 notes in a new cluster. */
const recorded: Readonly<Record<string, readonly [manager: string, fields: unknown]>> = {
  "/apis/rbac.authorization.k8s.io/v1/clusterroles/system:kube-controller-manager": [
    "kube-apiserver",
    {
      "f:metadata": {
        "f:annotations": { ".": {}, "f:rbac.authorization.kubernetes.io/autoupdate": {} },
        "f:labels": { ".": {}, "f:kubernetes.io/bootstrapping": {} },
      },
      "f:rules": {},
    },
  ],
  "/api/v1/namespaces/kube-system": [
    "kube-apiserver",
    { "f:metadata": { "f:labels": { ".": {}, "f:kubernetes.io/metadata.name": {} } } },
  ],
  "/apis/scheduling.k8s.io/v1/priorityclasses/system-node-critical": [
    "kube-apiserver",
    { "f:description": {}, "f:preemptionPolicy": {}, "f:value": {} },
  ],
  "/apis/flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations/exempt": [
    "api-priority-and-fairness-config-producer-v1",
    {
      "f:metadata": { "f:annotations": { ".": {}, "f:apf.kubernetes.io/autoupdate-spec": {} } },
      "f:spec": {
        "f:exempt": { ".": {}, "f:lendablePercent": {}, "f:nominalConcurrencyShares": {} },
        "f:type": {},
      },
    },
  ],
  "/api/v1/namespaces/default/services/kubernetes": [
    "kube-apiserver",
    {
      "f:metadata": { "f:labels": { ".": {}, "f:component": {}, "f:provider": {} } },
      "f:spec": {
        "f:clusterIP": {},
        "f:internalTrafficPolicy": {},
        "f:ipFamilyPolicy": {},
        "f:ports": {
          ".": {},
          'k:{"port":443,"protocol":"TCP"}': {
            ...{ ".": {}, "f:name": {}, "f:port": {}, "f:protocol": {}, "f:targetPort": {} },
          },
        },
        "f:sessionAffinity": {},
        "f:type": {},
      },
    },
  ],
  "/apis/apiregistration.k8s.io/v1/apiservices/v1.apps": [
    "kube-apiserver",
    {
      "f:metadata": { "f:labels": { ".": {}, "f:kube-aggregator.kubernetes.io/automanaged": {} } },
      "f:spec": { "f:group": {}, "f:groupPriorityMinimum": {}, "f:version": {}, "f:versionPriority": {} },
    },
  ],
};

describe("objects that the server makes itself", () => {
  let server: TestApiserver;
  before(async () => {
    server = await startTestApiserver();
  });
  after(() => server.stop());

  for (const [path, [manager, fieldsV1]] of Object.entries(recorded))
    it(`${path} says that they are the server's`, async () => {
      const { body } = await server.admin.call("GET", path);
      const entry = body.metadata.managedFields?.find((one: { manager: string }) => one.manager === manager);
      assert.deepEqual(entry?.fieldsV1, fieldsV1);
      assert.equal(entry?.operation, "Update");
    });

  it("a definition's status says that it is the server's", async () => {
    const group = "made.example.com";
    const names = { plural: "marks", singular: "mark", kind: "Mark", listKind: "MarkList" };
    const schema = { openAPIV3Schema: { type: "object" } };
    const versions = [{ name: "v1", served: true, storage: true, schema }];
    const path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    const body = {
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name: `marks.${group}` },
      spec: { group, scope: "Cluster", names, versions },
    };
    await server.admin.call("POST", path, { body });
    const { body: definition } = await server.admin.call("GET", `${path}/marks.${group}`);
    assert.deepEqual(statusFields(definition), {
      "f:acceptedNames": { "f:kind": {}, "f:listKind": {}, "f:plural": {}, "f:singular": {} },
      "f:conditions": {
        'k:{"type":"Established"}': condition(),
        'k:{"type":"NamesAccepted"}': condition(),
      },
    });
  });

  it("a budget says that the server takes evictions off it", async () => {
    const budgets = "/apis/policy/v1/namespaces/default/poddisruptionbudgets";
    const labels = { a: "made" };
    const pods = "/api/v1/namespaces/default/pods";
    const spec = { containers: [{ name: "c", image: "i" }] };
    await server.admin.call("POST", pods, { body: { metadata: { name: "p", labels }, spec } });
    const selector = { matchLabels: labels };
    await server.admin.call("POST", budgets, {
      body: { metadata: { name: "b" }, spec: { minAvailable: 0, selector } },
    });
    const { body: budget } = await server.admin.call("GET", `${budgets}/b`);
    budget.status = {
      observedGeneration: 1,
      disruptionsAllowed: 1,
      currentHealthy: 1,
      desiredHealthy: 0,
      expectedPods: 1,
    };
    await server.admin.call("PUT", `${budgets}/b/status`, { body: budget });
    const { body: pod } = await server.admin.call("GET", `${pods}/p`);
    pod.status = { phase: "Running", conditions: [{ type: "Ready", status: "True" }] };
    await server.admin.call("PUT", `${pods}/p/status`, { body: pod });
    const eviction = { apiVersion: "policy/v1", kind: "Eviction", metadata: { name: "p" } };
    await server.admin.call("POST", `${pods}/p/eviction`, { body: eviction });
    assert.deepEqual(statusFields((await server.admin.call("GET", `${budgets}/b`)).body), {
      "f:conditions": { ".": {}, 'k:{"type":"DisruptionAllowed"}': condition("f:observedGeneration") },
      "f:disruptedPods": { ".": {}, "f:p": {} },
      "f:disruptionsAllowed": {},
    });
  });
});

const condition = (...more: readonly string[]) => ({
  ".": {},
  "f:lastTransitionTime": {},
  "f:message": {},
  "f:reason": {},
  "f:status": {},
  "f:type": {},
  ...Object.fromEntries(more.map((name) => [name, {}])),
});

interface Managed {
  readonly metadata: { readonly managedFields?: readonly Entry[] };
}
interface Entry {
  readonly manager: string;
  readonly subresource?: string;
  readonly fieldsV1: Readonly<Record<string, unknown>>;
}

/** What of the status is noted as the server's. */
function statusFields({ metadata }: Managed): unknown {
  const entry = metadata.managedFields?.find(
    ({ manager, subresource }) => manager === "kube-apiserver" && subresource === "status",
  );
  return entry?.fieldsV1["f:status"];
}
