import assert from "node:assert/strict";
import { type AnyBinding, type AnyRole, defaultBindings, defaultRoles } from "./policy/default-policy.ts";
import { reconciledBinding, reconciledRole } from "./reconcile.ts";

const roleNamed = (name: string): AnyRole => {
  const found = defaultRoles().find(({ metadata }) => metadata.name === name);
  assert.ok(found);
  return found;
};
const bindingNamed = (name: string): AnyBinding => {
  const found = defaultBindings().find(({ metadata }) => metadata.name === name);
  assert.ok(found);
  return found;
};
const off = { "rbac.authorization.kubernetes.io/autoupdate": "false" };
const extra = { verbs: ["get"], apiGroups: ["acme.io"], resources: ["gizmos"] };

describe("a default role that is there", () => {
  it("stays as it is where nothing is missing", () => {
    for (const role of defaultRoles()) assert.equal(reconciledRole(role, role), undefined);
  });

  it("gets back the rules that are missing, singly, and keeps those that users added", () => {
    const wanted = roleNamed("system:kube-dns");
    const next = reconciledRole({ ...wanted, rules: [extra] }, wanted);
    assert.deepEqual(next?.rules?.[0], extra);
    assert.deepEqual(
      next?.rules?.slice(1).map(({ verbs, resources }) => `${verbs} ${resources}`),
      ["list endpoints", "watch endpoints", "list services", "watch services"],
    );
    assert.equal(reconciledRole({ ...wanted, rules: [extra, ...(wanted.rules ?? [])] }, wanted), undefined);
  });

  it("is left alone where it says so", () => {
    const wanted = roleNamed("system:kube-dns");
    const metadata = { ...wanted.metadata, annotations: off };
    assert.equal(reconciledRole({ ...wanted, metadata, rules: [] }, wanted), undefined);
  });

  it("gets back labels, and keeps the values that users gave them", () => {
    const wanted = roleNamed("system:aggregate-to-view");
    const metadata = { name: "system:aggregate-to-view", labels: { "kubernetes.io/bootstrapping": "mine" } };
    assert.deepEqual(reconciledRole({ ...wanted, metadata }, wanted)?.metadata.labels, {
      "kubernetes.io/bootstrapping": "mine",
      "rbac.authorization.k8s.io/aggregate-to-view": "true",
    });
  });

  it("gathers again what it should, and keeps what it has gathered", () => {
    const wanted = roleNamed("view");
    const own = { matchLabels: { mine: "true" } };
    const existing = { ...wanted, rules: [extra], aggregationRule: { clusterRoleSelectors: [own] } };
    const next = reconciledRole(existing, wanted);
    assert.deepEqual(next?.rules, [extra]);
    assert.deepEqual(next?.aggregationRule?.clusterRoleSelectors, [
      own,
      { matchLabels: { "rbac.authorization.k8s.io/aggregate-to-view": "true" } },
    ]);
  });

  it("gathers nothing where it should not", () => {
    const wanted = roleNamed("system:kube-dns");
    const aggregationRule = { clusterRoleSelectors: [{}] };
    const next = reconciledRole({ ...wanted, aggregationRule }, wanted);
    assert.ok(next);
    assert.equal(next.aggregationRule, undefined);
  });
});

describe("a default binding that is there", () => {
  const wanted = bindingNamed("system:kube-dns");

  it("stays as it is where nothing is missing", () => {
    for (const binding of defaultBindings()) assert.equal(reconciledBinding(binding, binding), undefined);
  });

  it("gets back its subjects, and keeps those that users added", () => {
    const mine = { kind: "User", apiGroup: "rbac.authorization.k8s.io", name: "jane" };
    const next = reconciledBinding({ ...wanted, subjects: [mine] }, wanted);
    assert.notEqual(next, "recreate");
    assert.deepEqual((next as AnyBinding).subjects, [mine, ...(wanted.subjects ?? [])]);
  });

  it("is made anew where it grants another role", () => {
    const roleRef = { ...wanted.roleRef, name: "cluster-admin" };
    assert.equal(reconciledBinding({ ...wanted, roleRef }, wanted), "recreate");
  });

  it("is left alone where it says so", () => {
    const metadata = { ...wanted.metadata, annotations: off };
    const roleRef = { ...wanted.roleRef, name: "cluster-admin" };
    assert.equal(reconciledBinding({ ...wanted, metadata, roleRef, subjects: [] }, wanted), undefined);
  });
});
