import assert from "node:assert/strict";
import { startTestApiserver, type TestApiserver } from "./testing.ts";

interface ManagedFields {
  readonly manager: string;
  readonly operation: string;
  readonly subresource?: string;
  readonly fieldsV1: object;
}

/** What the server's own parts say of objects is theirs, as in Kubernetes: an apply of somebody else's conflicts with it. */
describe("statuses of the server's own", () => {
  let server: TestApiserver;
  before(async () => {
    server = await startTestApiserver();
  });
  after(() => server.stop());

  /** The object's managers, once it has a status. */
  const managersOf = async (collection: string, name: string) => {
    const watch = await server.admin.openWatch(`${collection}?watch=1&fieldSelector=metadata.name=${name}`);
    for await (const { object } of watch) {
      if (object.status === undefined || Object.keys(object.status).length === 0) continue;
      return object.metadata.managedFields.map(
        ({ manager, operation, subresource = "", fieldsV1 }: ManagedFields) => [
          manager,
          operation,
          subresource,
          subresource === "" ? Object.keys(fieldsV1) : fieldsV1,
        ],
      );
    }
  };
  const condition = (type: string, ...fields: readonly string[]) => ({
    "f:status": {
      "f:conditions": {
        [`k:{"type":"${type}"}`]: Object.fromEntries(
          [
            ".",
            ...["lastTransitionTime", "message", ...fields, "status", "type"].map((one) => `f:${one}`),
          ].map((one) => [one, {}]),
        ),
      },
    },
  });

  it("are applied to flow schemas", async () => {
    const managers = await managersOf("/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas", "catch-all");
    assert.deepEqual(managers, [
      ["api-priority-and-fairness-config-consumer-v1", "Apply", "status", condition("Dangling", "reason")],
      ["api-priority-and-fairness-config-producer-v1", "Update", "", ["f:metadata", "f:spec"]],
    ]);
  });

  it("are applied to the services' range", async () => {
    const managers = await managersOf("/apis/networking.k8s.io/v1/servicecidrs", "kubernetes");
    assert.deepEqual(managers, [
      ["kubernetes-service-cidr-controller", "Apply", "status", condition("Ready")],
      ["kube-apiserver", "Update", "", ["f:spec"]],
    ]);
  });

  it("are applied to policies", async () => {
    const path = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies";
    const rule = { apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["configmaps"] };
    const body = {
      apiVersion: "admissionregistration.k8s.io/v1",
      kind: "ValidatingAdmissionPolicy",
      metadata: { name: "checked" },
      spec: { matchConstraints: { resourceRules: [rule] }, validations: [{ expression: "true" }] },
    };
    const { code, text } = await server.admin.call("POST", `${path}?fieldManager=me`, { body });
    assert.equal(code, 201, text);
    assert.deepEqual(await managersOf(path, "checked"), [
      [
        "validatingadmissionpolicy-status",
        "Apply",
        "status",
        { "f:status": { "f:observedGeneration": {}, "f:typeChecking": {} } },
      ],
      ["me", "Update", "", ["f:spec"]],
    ]);
  });

  it("have no part of what it makes beside a service", async () => {
    const spec = { ports: [{ port: 80 }], clusterIP: "10.96.0.77" };
    const body = { apiVersion: "v1", kind: "Service", metadata: { name: "s" }, spec };
    assert.equal(
      (await server.admin.call("POST", "/api/v1/namespaces/default/services", { body })).code,
      201,
    );
    const made = await server.admin.call("GET", "/apis/networking.k8s.io/v1/ipaddresses/10.96.0.77");
    const [entry, ...others] = made.body.metadata.managedFields;
    assert.deepEqual(others, []);
    assert.deepEqual(
      [entry.manager, entry.operation, Object.keys(entry.fieldsV1)],
      ["kube-apiserver", "Update", ["f:metadata", "f:spec"]],
    );
  });
});
