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
});
