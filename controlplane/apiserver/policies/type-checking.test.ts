import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import type { ValidatingAdmissionPolicy } from "../../../client/types.ts";
import { customKind } from "../customresources/custom-kind.ts";
import type { Definition } from "../customresources/definition.ts";
import { KindTable } from "../registry/kind-table.ts";
import { kinds } from "../resources/table.ts";
import { startTestApiserver, type TestApiserver } from "../testing.ts";
import { kindTypes } from "./policy-status.ts";
import { typeWarnings } from "./type-checking.ts";

const known = kindTypes(new KindTable(kinds));

interface Given {
  readonly expression: string;
  readonly messageExpression?: string;
  readonly variables?: readonly { readonly name: string; readonly expression: string }[];
  readonly paramKind?: { readonly apiVersion: string; readonly kind: string };
  readonly rules?: readonly object[];
}

const rule = (group: string, version: string, ...resources: readonly string[]) => ({
  operations: ["*"],
  apiGroups: [group],
  apiVersions: [version],
  resources,
});
const deployments = [rule("apps", "v1", "deployments")];

const policy = ({ expression, messageExpression, variables, paramKind, rules = deployments }: Given) =>
  ({
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingAdmissionPolicy",
    metadata: { name: "types", generation: 1 },
    spec: {
      matchConstraints: { resourceRules: rules },
      validations: [{ expression, ...(messageExpression && { messageExpression }) }],
      ...(variables && { variables }),
      ...(paramKind && { paramKind }),
    },
  }) as unknown as ValidatingAdmissionPolicy;

const warned = (given: Given) => typeWarnings(policy(given), known);

describe("types of admission policies are checked by the schemas of the kinds that they are for", () => {
  it("nothing is said of what can be right", () => {
    for (const expression of [
      "object.spec.replicas <= 5 && oldObject.spec.template.spec.containers.all(c, c.image.startsWith('a'))",
      "has(object.metadata.labels.app) && object.metadata.creationTimestamp < timestamp('2024-01-01T00:00:00Z')",
      "object.spec.strategy.rollingUpdate.maxSurge == 1 || object.spec.strategy.rollingUpdate.maxSurge == '1%'",
      "request.userInfo.username == 'me' && namespaceObject.metadata.name == 'x'",
      "authorizer.group('').resource('endpoints').check('create').allowed()",
      "object.spec.replicas",
    ])
      deepStrictEqual(warned({ expression }), [], expression);
  });

  it("fields that no object can have are named with their kind and place", () => {
    deepStrictEqual(warned({ expression: "object.spec.replicas > 5 && object.foo == 'bar'" }), [
      {
        fieldRef: "spec.validations[0].expression",
        warning:
          "apps/v1, Kind=Deployment: ERROR: <input>:1:35: undefined field 'foo'\n | object.spec.replicas > 5 && object.foo == 'bar'\n | ..................................^\n",
      },
    ]);
  });

  it("types that do not fit are told, in messages too", () => {
    const [one, two] = warned({
      expression: "object.spec.replicas == '5'",
      messageExpression: "object.metadata.name + 1",
    });
    match(one?.warning ?? "", /found no matching overload for '_==_' applied to '\(int, string\)'/);
    strictEqual(two?.fieldRef, "spec.validations[0].messageExpression");
    match(two?.warning ?? "", /found no matching overload for '_\+_' applied to '\(string, int\)'/);
  });

  it("each kind has its own say, by group, version and kind", () => {
    const rules = [rule("apps", "v1", "replicasets", "deployments"), rule("", "v1", "pods", "pods/status")];
    const [one] = warned({
      expression: "object.spec.replicas > 1 && object.spec.strategy.type == 'x'",
      rules,
    });
    const parts = one?.warning.split("\n\n") ?? [];
    deepStrictEqual(
      parts.map((part) => part.split(":", 1)[0]),
      ["/v1, Kind=Pod", "apps/v1, Kind=ReplicaSet"],
    );
    match(parts[0] ?? "", /undefined field 'replicas'[\s\S]*undefined field 'strategy'/);
    ok(!parts[1]?.includes("'replicas'"));
  });

  it("all groups, all versions, subresources and kinds that nobody knows are passed over", () => {
    const expression = "object.foo == 1";
    for (const rules of [
      [rule("*", "v1", "pods")],
      [rule("", "*", "pods")],
      [rule("", "v1", "*", "pods/status")],
      [rule("example.com", "v1", "things")],
      [],
    ])
      deepStrictEqual(warned({ expression, rules }), []);
  });

  it("variables have the type of what they come to", () => {
    const variables = [
      { name: "name", expression: "object.metadata.name" },
      { name: "broken", expression: "object.foo" },
      { name: "spec", expression: "object.spec" },
    ];
    const [one, ...more] = warned({ expression: "variables.name == 1", variables });
    match(one?.warning ?? "", /applied to '\(string, int\)'/);
    strictEqual(more.length, 0);
    deepStrictEqual(
      warned({ expression: "variables.broken == 1 && variables.spec.foo == 1", variables }),
      [],
    );
    match(
      warned({ expression: "variables.nonExisting", variables })[0]?.warning ?? "",
      /undefined field 'nonExisting'/,
    );
  });

  it("params have the type of their kind, and any where nobody knows it", () => {
    const expression = "params.data.max == 3 && params.foo == 1";
    const [one] = warned({ expression, paramKind: { apiVersion: "v1", kind: "ConfigMap" } });
    match(one?.warning ?? "", /applied to '\(string, int\)'[\s\S]*undefined field 'foo'/);
    deepStrictEqual(warned({ expression, paramKind: { apiVersion: "example.com/v1", kind: "Limits" } }), []);
  });

  it("custom kinds are known by the schemas of their definitions, with metadata as all objects have it", () => {
    const spec = { type: "object", properties: { size: { type: "integer" } } };
    const widgets = customKind({
      metadata: { name: "widgets.example.com" },
      spec: {
        group: "example.com",
        scope: "Cluster",
        names: { plural: "widgets", kind: "Widget" },
        versions: [
          {
            name: "v1",
            served: true,
            storage: true,
            schema: { openAPIV3Schema: { type: "object", properties: { spec } } },
          },
        ],
      },
      status: { acceptedNames: { plural: "widgets", kind: "Widget" } },
    } as unknown as Definition);
    ok(widgets);
    const custom = kindTypes(new KindTable([widgets]));
    const rules = [rule("example.com", "v1", "widgets")];
    const found = (expression: string) => typeWarnings(policy({ expression, rules }), custom);
    deepStrictEqual(found("object.spec.size > 1 && has(object.metadata.labels.a)"), []);
    match(
      found("object.spec.size == 'large' && object.spec.color == 'red'")[0]?.warning ?? "",
      /^example\.com\/v1, Kind=Widget: [\s\S]*\(int, string\)[\s\S]*undefined field 'color'/,
    );
  });

  it("what an authorizer has not is told", () => {
    const [one] = warned({ expression: "authorizer.allowed()" });
    match(
      one?.warning ?? "",
      /found no matching overload for 'allowed' applied to 'kubernetes\.authorization\.Authorizer\.\(\)'/,
    );
  });
});

describe("the status of admission policies", () => {
  let server: TestApiserver;
  before(async () => {
    server = await startTestApiserver();
  });
  after(() => server.stop());

  const policies = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies";
  const call = async (method: string, path: string, body?: object) => {
    const headers = { "content-type": "application/json" };
    const { text } = await server.admin.call(method, path, {
      headers,
      ...(body && { body: JSON.stringify(body) }),
    });
    return JSON.parse(text);
  };
  const checked = async (generation: number) => {
    for (;;) {
      const { status } = await call("GET", `${policies}/types`);
      if (status?.observedGeneration === generation) return status;
      await new Promise((resolve) => setImmediate(resolve));
    }
  };

  it("tells which generation was looked at, and what was wrong with it", async () => {
    const made = await call("POST", policies, policy({ expression: "object.spec.nothing == 1" }));
    strictEqual(made.kind, "ValidatingAdmissionPolicy", made.message);
    const first = await checked(1);
    strictEqual(first.typeChecking.expressionWarnings[0].fieldRef, "spec.validations[0].expression");
    match(first.typeChecking.expressionWarnings[0].warning, /undefined field 'nothing'/);
    const stored = await call("GET", `${policies}/types`);
    stored.spec.validations[0].expression = "object.spec.replicas == 1";
    await call("PUT", `${policies}/types`, stored);
    deepStrictEqual(await checked(2), { observedGeneration: 2, typeChecking: {} });
  });
});
