import assert from "node:assert/strict";
import type { PolicyRule, RoleRef } from "../../../client/types.ts";
import { startTestApiserver, type TestApiserver, type TestClient } from "../testing.ts";

/** Jane may write roles and bindings, read pods and /metrics, and nothing else. Texts: kube-apiserver 1.36.3's. */
describe("who grants rights", () => {
  const rbac = "/apis/rbac.authorization.k8s.io/v1";
  const inDefault = `${rbac}/namespaces/default`;
  const apiVersion = "rbac.authorization.k8s.io/v1";
  const merge = "application/merge-patch+json";
  const subjects = [{ kind: "User", name: "jane" }];
  let api: TestApiserver;
  let jane: TestClient;

  const rule = (verbs: string, apiGroup: string, resources: string): PolicyRule => ({
    verbs: verbs.split(","),
    apiGroups: [apiGroup],
    resources: resources.split(","),
  });
  const pods = rule("get", "", "pods");
  const secrets = { ...rule("get,list", "", "secrets"), apiGroups: ["", "apps"] };
  const role = (kind: string, name: string, rules: readonly PolicyRule[], more: object = {}) => ({
    apiVersion,
    kind,
    metadata: { name },
    rules,
    ...more,
  });
  const binding = (kind: string, name: string, ref: string) => {
    const [refKind = "", refName = ""] = ref.split("/");
    const roleRef: Partial<RoleRef> = { kind: refKind, name: refName };
    return { apiVersion, kind, metadata: { name }, roleRef, subjects };
  };
  const make = async (path: string, body: object) => {
    const answer = await api.admin.call("POST", path, { body });
    assert.equal(answer.code, 201, answer.text);
  };
  const tries = async (method: string, path: string, body: object) => {
    const type = method === "PATCH" ? merge : "application/json";
    const answer = await jane.call(method, `${path}?dryRun=All`, { body, type });
    return [answer.code, answer.code < 300 ? "" : answer.body.message];
  };
  const lacks = (what: string, ...rules: string[]) =>
    `${what} is forbidden: user "jane" (groups=["team" "system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n${rules.join("\n")}`;
  const dnsRules = [
    '{APIGroups:[""], Resources:["endpoints"], Verbs:["list" "watch"]}',
    '{APIGroups:[""], Resources:["services"], Verbs:["list" "watch"]}',
  ];

  before(async () => {
    api = await startTestApiserver();
    jane = await api.clientFor("jane", ["team"]);
    const writes = "get,list,create,update,patch,delete";
    const kinds = "roles,rolebindings,clusterroles,clusterrolebindings";
    const metrics = { verbs: ["get"], nonResourceURLs: ["/metrics"] };
    const rules = [rule(writes, "rbac.authorization.k8s.io", kinds), pods, metrics];
    await make(`${rbac}/clusterroles`, role("ClusterRole", "writer", rules));
    await make(`${rbac}/clusterrolebindings`, binding("ClusterRoleBinding", "writer", "ClusterRole/writer"));
    // Counts for jane once her next request is let in.
    await api.admin.call("GET", `${rbac}/clusterrolebindings`);
  });
  after(() => api.stop());

  it("grants by a role what they have", async () => {
    assert.deepEqual(await tries("POST", `${inDefault}/roles`, role("Role", "a", [pods])), [201, ""]);
  });

  it("does not grant by a role what they do not have", async () => {
    assert.deepEqual(await tries("POST", `${inDefault}/roles`, role("Role", "a", [pods, secrets])), [
      403,
      lacks(
        'roles.rbac.authorization.k8s.io "a"',
        '{APIGroups:[""], Resources:["secrets"], Verbs:["get" "list"]}',
        '{APIGroups:["apps"], Resources:["secrets"], Verbs:["get" "list"]}',
      ),
    ]);
    const paths = { verbs: ["get"], nonResourceURLs: ["/x", "/metrics"] };
    assert.deepEqual(await tries("POST", `${rbac}/clusterroles`, role("ClusterRole", "a", [paths])), [
      403,
      lacks('clusterroles.rbac.authorization.k8s.io "a"', '{NonResourceURLs:["/x"], Verbs:["get"]}'),
    ]);
  });

  it("makes by PUT what is not there, under the same rules", async () => {
    const put = (rules: readonly PolicyRule[]) =>
      tries("PUT", `${inDefault}/roles/absent`, role("Role", "absent", rules));
    assert.deepEqual(await put([pods]), [201, ""]);
    assert.equal((await put([secrets]))[0], 403);
    const given = { ...binding("RoleBinding", "absent", "ClusterRole/writer") };
    assert.deepEqual(await tries("PUT", `${inDefault}/rolebindings/absent`, given), [201, ""]);
  });

  it("is told first what a role is missing to be one", async () => {
    const [code] = await tries("POST", `${inDefault}/roles`, role("Role", "a", [{ verbs: [] }]));
    assert.equal(code, 422);
  });

  it("aggregates only with all rights", async () => {
    const text = "must have cluster-admin privileges to use the aggregationRule";
    const aggregationRule = { clusterRoleSelectors: [{ matchLabels: { a: "b" } }] };
    const made = role("ClusterRole", "a", [], { aggregationRule });
    assert.deepEqual(await tries("POST", `${rbac}/clusterroles`, made), [
      403,
      `clusterroles.rbac.authorization.k8s.io "a" is forbidden: ${text}`,
    ]);
  });

  it("does not change a role that has more, but for what the garbage collector needs", async () => {
    const path = `${rbac}/clusterroles/system:kube-dns`;
    assert.deepEqual(await tries("PATCH", path, { metadata: { labels: { a: "b" } } }), [
      403,
      lacks('clusterroles.rbac.authorization.k8s.io "system:kube-dns"', ...dnsRules),
    ]);
    assert.deepEqual(await tries("PATCH", path, { metadata: { finalizers: ["a.b/c"] } }), [200, ""]);
    const own = await tries("PATCH", `${rbac}/clusterroles/writer`, { metadata: { labels: { a: "b" } } });
    assert.deepEqual(own, [200, ""]);
  });

  it("binds only a role whose rules they have", async () => {
    const tryRole = (ref: string) =>
      tries("POST", `${inDefault}/rolebindings`, binding("RoleBinding", "a", ref));
    assert.deepEqual(await tryRole("ClusterRole/writer"), [201, ""]);
    const named = 'rolebindings.rbac.authorization.k8s.io "a"';
    assert.deepEqual(await tryRole("ClusterRole/system:kube-dns"), [403, lacks(named, ...dnsRules)]);
    assert.deepEqual(await tryRole("Role/nosuch"), [
      404,
      'rolebindings.rbac.authorization.k8s.io "nosuch" not found',
    ]);
    const everywhere = binding("ClusterRoleBinding", "a", "ClusterRole/system:kube-dns");
    assert.deepEqual(await tries("POST", `${rbac}/clusterrolebindings`, everywhere), [
      403,
      lacks('clusterrolebindings.rbac.authorization.k8s.io "a"', ...dnsRules),
    ]);
    const path = `${rbac}/clusterrolebindings/system:kube-dns`;
    assert.equal((await tries("PATCH", path, { subjects }))[0], 403);
  });

  it("may escalate and bind where a rule says so, by name", async () => {
    const eve = await api.clientFor("eve");
    const rules = [
      rule("create,patch", "rbac.authorization.k8s.io", "roles,rolebindings"),
      { ...rule("escalate", "rbac.authorization.k8s.io", "roles"), resourceNames: ["known"] },
      { ...rule("bind", "rbac.authorization.k8s.io", "clusterroles"), resourceNames: ["view"] },
    ];
    await make(`${inDefault}/roles`, role("Role", "eve", rules));
    const given = { ...binding("RoleBinding", "eve", "Role/eve"), subjects: [{ kind: "User", name: "eve" }] };
    await make(`${inDefault}/rolebindings`, given);
    await make(`${inDefault}/roles`, role("Role", "known", []));
    await make(`${inDefault}/roles`, role("Role", "other", []));
    await api.admin.call("GET", `${inDefault}/rolebindings`);
    const patch = async (name: string) =>
      (await eve.call("PATCH", `${inDefault}/roles/${name}`, { body: { rules: [secrets] }, type: merge }))
        .code;
    assert.deepEqual([await patch("known"), await patch("other")], [200, 403]);
    const bind = async (ref: string) =>
      (
        await eve.call("POST", `${inDefault}/rolebindings?dryRun=All`, {
          body: binding("RoleBinding", "b", ref),
        })
      ).code;
    assert.deepEqual([await bind("ClusterRole/view"), await bind("ClusterRole/edit")], [201, 403]);
  });

  it("counts a binding from the next request on, and no longer than it is there", async () => {
    const list = async () => (await jane.call("GET", "/api/v1/namespaces/default/configmaps")).code;
    assert.equal(await list(), 403);
    await make(`${inDefault}/rolebindings`, binding("RoleBinding", "view", "ClusterRole/view"));
    // Once the server's cache shows it.
    await api.admin.call("GET", `${inDefault}/rolebindings`);
    assert.equal(await list(), 200);
    await api.admin.call("DELETE", `${inDefault}/rolebindings/view`);
    await api.admin.call("GET", `${inDefault}/rolebindings`);
    assert.equal(await list(), 403);
  });

  it("says with the refusal which roles were missing", async () => {
    await make(`${inDefault}/rolebindings`, binding("RoleBinding", "dangling", "Role/nosuch2"));
    await api.admin.call("GET", `${inDefault}/rolebindings`);
    const [, text] = await tries("POST", `${inDefault}/roles`, role("Role", "a", [secrets]));
    assert.match(text, /; resolution errors: \[roles\.rbac\.authorization\.k8s\.io "nosuch2" not found\]$/);
    const read = await jane.call("GET", "/api/v1/namespaces/default/secrets/s");
    assert.equal(
      read.body.message,
      'secrets "s" is forbidden: User "jane" cannot get resource "secrets" in API group "" in the namespace "default": RBAC: role.rbac.authorization.k8s.io "nosuch2" not found',
    );
  });
});
