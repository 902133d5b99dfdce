import assert from "node:assert/strict";
import fc from "fast-check";
import type { ClusterRole, KubeObject, PolicyRule, Role, RoleRef, Subject } from "../../../client/types.ts";
import type { User } from "../filters/authentication.ts";
import type { Attributes } from "../filters/authorization.ts";
import { decide, isSubject, rulesGranted } from "./grants.ts";
import { type Binding, RbacIndex } from "./rbac-index.ts";
import { ruleAllows } from "./rule-allows.ts";
import { followedBy } from "./testing.ts";

const apiVersion = "rbac.authorization.k8s.io/v1";
const meta = (namespace: string, name: string) => ({
  name,
  ...(namespace !== "" && { namespace }),
  uid: "u",
  resourceVersion: "1",
  creationTimestamp: "",
});
function role(namespace: string, name: string, ...rules: readonly PolicyRule[]): KubeObject {
  const kind = namespace === "" ? "ClusterRole" : "Role";
  return { apiVersion, kind, metadata: meta(namespace, name), rules };
}
function binding(namespace: string, name: string, ref: string, ...subjects: readonly Subject[]): KubeObject {
  const kind = namespace === "" ? "ClusterRoleBinding" : "RoleBinding";
  const [refKind = "", refName = ""] = ref.split("/");
  const roleRef: RoleRef = { apiGroup: "rbac.authorization.k8s.io", kind: refKind, name: refName };
  return { apiVersion, kind, metadata: meta(namespace, name), roleRef, subjects };
}
const subject = (text: string): Subject => {
  const [kind = "", name = "", namespace] = text.split(" ");
  return { kind, name, ...(namespace && { namespace }) };
};
const rule = (verb: string, resource: string): PolicyRule => ({
  verbs: [verb],
  apiGroups: [""],
  resources: [resource],
});
const wants = (verb: string, resource: string, namespace = ""): Attributes => ({
  verb,
  group: "",
  plural: resource,
  subresource: "",
  namespace,
  name: "x",
});

function indexOf(...objects: readonly KubeObject[]): RbacIndex {
  const index = new RbacIndex();
  for (const one of objects) followedBy(index, one.kind).changed(undefined, one);
  return index;
}
const user = (name: string, ...groups: string[]): User => ({ name, groups });

describe("what is granted", () => {
  const reads = role("", "reader", rule("get", "pods"));
  const writes = role("shop", "writer", rule("update", "pods"));

  it("by a cluster role binding holds in the cluster and in every namespace", () => {
    const index = indexOf(reads, binding("", "b", "ClusterRole/reader", subject("User jane")));
    assert.deepEqual(decide(index, user("jane"), wants("get", "pods")), {
      allowed: true,
      reason: 'RBAC: allowed by ClusterRoleBinding "b" of ClusterRole "reader" to User "jane"',
    });
    assert.equal(decide(index, user("jane"), wants("get", "pods", "shop")).allowed, true);
    assert.equal(decide(index, user("joe"), wants("get", "pods")).allowed, false);
  });

  it("by a role binding holds in its namespace only, whichever kind of role it names", () => {
    const index = indexOf(
      reads,
      writes,
      binding("shop", "r", "ClusterRole/reader", subject("Group devs")),
      binding("shop", "w", "Role/writer", subject("Group devs")),
    );
    const dev = user("x", "devs");
    assert.deepEqual(decide(index, dev, wants("get", "pods", "shop")), {
      allowed: true,
      reason: 'RBAC: allowed by RoleBinding "r/shop" of ClusterRole "reader" to Group "devs"',
    });
    assert.equal(decide(index, dev, wants("update", "pods", "shop")).allowed, true);
    assert.equal(decide(index, dev, wants("get", "pods", "bank")).allowed, false);
    assert.equal(decide(index, dev, wants("get", "pods")).allowed, false);
  });

  it("to a service account is meant for the binding's namespace unless another is named", () => {
    const index = indexOf(
      reads,
      binding("shop", "own", "ClusterRole/reader", subject("ServiceAccount cart")),
      binding("shop", "other", "ClusterRole/reader", subject("ServiceAccount till bank")),
      binding("", "nobody", "ClusterRole/reader", subject("ServiceAccount lost")),
    );
    const asks = (name: string) => decide(index, user(name), wants("get", "pods", "shop"));
    assert.deepEqual(asks("system:serviceaccount:shop:cart"), {
      allowed: true,
      reason: 'RBAC: allowed by RoleBinding "own/shop" of ClusterRole "reader" to ServiceAccount "cart/shop"',
    });
    assert.equal(asks("system:serviceaccount:bank:till").allowed, true);
    assert.equal(asks("system:serviceaccount:bank:cart").allowed, false);
    assert.equal(asks("system:serviceaccount:shop:lost").allowed, false);
    assert.equal(asks("cart").allowed, false);
  });

  it("is what is said under names that every object inherits, and nothing where nobody says so", () => {
    for (const name of ["constructor", "tostring", "__proto__"]) {
      const index = indexOf(reads, binding("", "b", "ClusterRole/reader", subject("User jane")));
      assert.equal(decide(index, user(name, name), wants("get", "pods", name)).allowed, false);
      assert.equal(decide(index, user("jane"), wants("get", name)).allowed, false);
      assert.equal(decide(index, user("jane"), wants(name, "pods")).allowed, false);
      const dangling = indexOf(binding("", "b", `ClusterRole/${name}`, subject("User jane")));
      assert.equal(decide(dangling, user("jane"), wants("get", "pods")).allowed, false);
      const own = indexOf(
        role(name, name, rule("get", name)),
        binding(name, name, `Role/${name}`, subject(`Group ${name}`)),
      );
      assert.equal(decide(own, user("jane", name), wants("get", name, name)).allowed, true);
      assert.equal(decide(own, user("jane", name), wants("get", name, "other")).allowed, false);
    }
  });

  it("is not mixed up between users, groups and accounts of one name", () => {
    const index = indexOf(reads, binding("", "b", "ClusterRole/reader", subject("Group jane")));
    assert.equal(decide(index, user("jane"), wants("get", "pods")).allowed, false);
    assert.equal(decide(index, user("Group:jane"), wants("get", "pods")).allowed, false);
    assert.equal(decide(index, user("joe", "jane"), wants("get", "pods")).allowed, true);
  });

  it("says which roles are missing, in Kubernetes' words", () => {
    const jane = subject("User jane");
    const index = indexOf(
      binding("", "b", "ClusterRole/nosuch", jane),
      binding("", "b2", "ClusterRole/nosuch", jane),
      binding("shop", "b", "Role/nosuch2", jane),
    );
    const one = 'clusterrole.rbac.authorization.k8s.io "nosuch" not found';
    const two = 'role.rbac.authorization.k8s.io "nosuch2" not found';
    const asks = (namespace: string) => decide(index, user("jane"), wants("get", "pods", namespace));
    assert.deepEqual(asks(""), { allowed: false, reason: `RBAC: ${one}` });
    assert.deepEqual(asks("shop"), { allowed: false, reason: `RBAC: [${one}, ${two}]` });
    assert.deepEqual(rulesGranted(index, user("jane"), "shop"), { rules: [], problem: `[${one}, ${two}]` });
    followedBy(index, "Role").changed(undefined, role("shop", "nosuch2", rule("get", "pods")));
    assert.equal(asks("shop").allowed, true);
  });

  it("ends with the binding, the role or the rule", () => {
    const given = binding("", "b", "ClusterRole/reader", subject("User jane"));
    const asks = (index: RbacIndex) => decide(index, user("jane"), wants("get", "pods")).allowed;
    const index = indexOf(reads, given);
    assert.equal(asks(index), true);
    index.clusterRoles.changed(reads, role("", "reader", rule("list", "pods")));
    assert.equal(asks(index), false);
    index.clusterRoles.changed(role("", "reader"), reads);
    index.clusterRoleBindings.changed(given, binding("", "b", "ClusterRole/reader", subject("User joe")));
    assert.equal(asks(index), false);
    index.clusterRoleBindings.changed(undefined, given);
    assert.equal(asks(index), true);
    index.clusterRoleBindings.clear();
    assert.equal(asks(index), false);
  });
});

/** The obviously right twin: looks at every binding and every role. */
function decideByLookingAtAll(objects: readonly KubeObject[], who: User, wanted: Attributes): boolean {
  const namespace = "path" in wanted ? "" : wanted.namespace;
  return objects.some((one) => {
    if (!one.kind.endsWith("Binding")) return false;
    const { roleRef, subjects = [], metadata } = one as unknown as Binding;
    const home = metadata.namespace ?? "";
    if (home !== "" && home !== namespace) return false;
    if (!subjects.some((each) => isSubject(who, each, home))) return false;
    const found = objects.find(
      ({ kind, metadata: { name, namespace: at = "" } }) =>
        kind === roleRef.kind && name === roleRef.name && (kind === "ClusterRole" || at === home),
    ) as Role | ClusterRole | undefined;
    return found?.rules?.some((each) => ruleAllows(each, wanted)) === true;
  });
}

describe("the index of bindings", () => {
  const namespaces = fc.constantFrom("", "a", "b");
  const names = fc.constantFrom("x", "y");
  const verbs = fc.constantFrom("get", "list", "*");
  const resources = fc.constantFrom("pods", "secrets", "*");
  const rules = fc.array(
    fc.tuple(verbs, resources).map(([verb, one]) => rule(verb, one)),
    { maxLength: 2 },
  );
  const subjects = fc.array(
    fc.constantFrom("User x", "Group x", "Group y", "ServiceAccount x", "ServiceAccount x a").map(subject),
    { maxLength: 3 },
  );
  const roleRefs = fc.constantFrom("Role/x", "Role/y", "ClusterRole/x", "ClusterRole/y");
  const objects = fc.oneof(
    fc.tuple(namespaces, names, rules).map(([at, name, each]) => role(at, name, ...each)),
    fc
      .tuple(namespaces, names, roleRefs, subjects)
      .map(([at, name, ref, each]) =>
        binding(at, name, at === "" ? ref.replace(/^Role/, "ClusterRole") : ref, ...each),
      ),
  );
  const changes = fc.array(fc.tuple(objects, fc.boolean()), { maxLength: 30 });
  const users = fc.constantFrom(
    user("x"),
    user("z", "x", "y"),
    user("system:serviceaccount:a:x", "system:serviceaccounts"),
    user("system:serviceaccount:b:x", "y"),
  );
  const place = ({ kind, metadata: { namespace = "", name } }: KubeObject) => `${kind}/${namespace}/${name}`;

  it("answers after any changes as a look at all bindings does", () => {
    fc.assert(
      fc.property(changes, users, verbs, resources, namespaces, (steps, who, verb, resource, at) => {
        const index = new RbacIndex();
        const there = new Map<string, KubeObject>();
        for (const [one, goes] of steps) {
          const before = there.get(place(one));
          if (goes && before === undefined) continue;
          followedBy(index, one.kind).changed(before, goes ? undefined : one);
          if (goes) there.delete(place(one));
          else there.set(place(one), one);
        }
        const wanted = wants(verb, resource, at);
        const expected = decideByLookingAtAll([...there.values()], who, wanted);
        assert.equal(decide(index, who, wanted).allowed, expected);
        const fresh = indexOf(...there.values());
        assert.deepEqual(
          new Set(rulesGranted(index, who, at).rules),
          new Set(rulesGranted(fresh, who, at).rules),
        );
      }),
      { numRuns: 500 },
    );
  });

  it("looks at a user's own bindings only", () => {
    const index = indexOf(role("", "r", rule("get", "pods")));
    for (let at = 0; at < 1000; at++)
      index.clusterRoleBindings.changed(
        undefined,
        binding("", `b${at}`, "ClusterRole/r", subject(`User u${at}`)),
      );
    assert.equal([...index.grantsTo(user("u7"), "")].length, 1);
    assert.equal([...index.grantsTo(user("nobody"), "")].length, 0);
  });
});
