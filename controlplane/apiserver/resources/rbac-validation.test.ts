import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { KubeObject } from "../../../client/types.ts";
import { kinds } from "./table.ts";

interface Recorded {
  readonly kind: string;
  readonly fields: Record<string, unknown>;
  /** What kube-apiserver 1.36.3 says of such an object, `field: message` each. */
  readonly problems: readonly string[];
}
const file = new URL("testdata/rbac-problems.json", import.meta.url);
const recorded: readonly Recorded[] = JSON.parse(readFileSync(file, "utf8"));

function made(kindName: string, fields: Record<string, unknown>) {
  const kind = kinds.find((one) => one.kind === kindName);
  assert.ok(kind, kindName);
  const namespace = kind.namespaced ? { namespace: "default" } : {};
  const metadata = { name: "x", ...namespace, uid: "u", resourceVersion: "", creationTimestamp: "" };
  const apiVersion = `${kind.group}/${kind.version}`;
  const object: KubeObject = { apiVersion, kind: kindName, metadata, ...structuredClone(fields) };
  kind.applyDefaults(object);
  return { kind, object };
}

describe("roles and bindings, validated as Kubernetes does", () => {
  for (const { kind: name, fields, problems } of recorded)
    it(`${name} ${JSON.stringify(fields)}`, () => {
      const { kind, object } = made(name, fields);
      const found = kind.validate(object).map(({ field, message }) => `${field}: ${message}`);
      assert.deepEqual(found.sort(), [...problems].sort());
    });

  for (const name of ["RoleBinding", "ClusterRoleBinding"])
    it(`${name}: grants the same role for ever, to whomever`, () => {
      const { kind, object } = made(name, { roleRef: { kind: "ClusterRole", name: "admin" } });
      const change = (fields: object) =>
        kind.validateUpdate?.({ ...object, ...fields }, object).map(({ field, message }) => [field, message]);
      assert.deepEqual(change({ subjects: [{ kind: "User", name: "jane" }] }), []);
      const roleRef = { kind: "ClusterRole", apiGroup: "rbac.authorization.k8s.io", name: "view" };
      const value = '{"APIGroup":"rbac.authorization.k8s.io","Kind":"ClusterRole","Name":"view"}';
      assert.deepEqual(change({ roleRef }), [["roleRef", `Invalid value: ${value}: cannot change roleRef`]]);
    });

  it("names the API group of users and groups, and of the role, where a manifest does not", () => {
    const subjects = [
      { kind: "User", name: "u" },
      { kind: "Group", name: "g" },
      { kind: "ServiceAccount", name: "s" },
    ];
    const { object } = made("RoleBinding", { roleRef: { kind: "Role", name: "r" }, subjects });
    const apiGroup = "rbac.authorization.k8s.io";
    assert.deepEqual(object.roleRef, { kind: "Role", name: "r", apiGroup });
    assert.deepEqual(object.subjects, [
      { kind: "User", name: "u", apiGroup },
      { kind: "Group", name: "g", apiGroup },
      { kind: "ServiceAccount", name: "s" },
    ]);
  });

  it("shows of a binding what it grants to whom", () => {
    const subjects = [
      { kind: "User", name: "u" },
      { kind: "User", name: "v" },
      { kind: "ServiceAccount", name: "s", namespace: "n" },
    ];
    const { kind, object } = made("RoleBinding", { roleRef: { kind: "Role", name: "r" }, subjects });
    assert.deepEqual(kind.cells(object, 0), ["Role/r", "<unknown>", "u, v", "", "n/s"]);
  });
});
