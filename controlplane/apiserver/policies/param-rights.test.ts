import assert from "node:assert/strict";
import { startTestApiserver, type TestApiserver, type TestClient } from "../testing.ts";

/** Jane may write policies and bindings, and nothing else. Texts: kube-apiserver 1.36.3's. */
describe("who names params of policies must be allowed to read them", () => {
  const root = "/apis/admissionregistration.k8s.io/v1";
  const rbac = "/apis/rbac.authorization.k8s.io/v1";
  let api: TestApiserver;
  let jane: TestClient;

  const policy = (paramKind?: object) => ({
    metadata: { name: "p" },
    spec: {
      ...(paramKind && { paramKind }),
      matchConstraints: {
        resourceRules: [{ apiGroups: [""], apiVersions: ["v1"], operations: ["*"], resources: ["pods"] }],
      },
      validations: [{ expression: "true" }],
    },
  });
  const binding = (policyName: string, paramRef?: object) => ({
    metadata: { name: "b" },
    spec: { policyName, validationActions: ["Deny"], ...(paramRef && { paramRef }) },
  });
  const secret = { apiVersion: "v1", kind: "Secret" };
  const who = "&{jane  [team system:authenticated] map[authentication.kubernetes.io/credential-id:[";
  const make = async (client: TestClient, path: string, body: object) => {
    const answer = await client.call("POST", path, { body });
    return { code: answer.code, text: String(answer.body.message).replace(/X509SHA256=[0-9a-f]+/, "ID") };
  };
  const policies = `${root}/validatingadmissionpolicies`;
  const bindings = `${root}/validatingadmissionpolicybindings?dryRun=All`;

  before(async () => {
    api = await startTestApiserver();
    jane = await api.clientFor("jane", ["team"]);
    const rules = [{ verbs: ["*"], apiGroups: ["admissionregistration.k8s.io"], resources: ["*"] }];
    await make(api.admin, `${rbac}/clusterroles`, { metadata: { name: "policies" }, rules });
    const roleRef = { kind: "ClusterRole", name: "policies" };
    const subjects = [{ kind: "User", name: "jane" }];
    await make(api.admin, `${rbac}/clusterrolebindings`, {
      metadata: { name: "policies" },
      roleRef,
      subjects,
    });
    // Counts for jane once her next request is let in.
    await api.admin.call("GET", `${rbac}/clusterrolebindings`);
    await make(api.admin, policies, { ...policy(secret), metadata: { name: "of-secrets" } });
  });
  after(() => api.stop());

  it("in a policy all objects of the kind", async () => {
    assert.deepEqual(await make(jane, `${policies}?dryRun=All`, policy(secret)), {
      code: 422,
      text: `ValidatingAdmissionPolicy.admissionregistration.k8s.io "p" is invalid: spec.paramKind: Forbidden: user ${who}ID]]} must have "get" permission on all objects of the referenced paramKind (kind=Secret, apiVersion=v1)`,
    });
    assert.equal((await make(jane, `${policies}?dryRun=All`, policy())).code, 201);
    assert.equal((await make(api.admin, `${policies}?dryRun=All`, policy(secret))).code, 201);
  });

  it("in a binding the one, or the list that is selected from", async () => {
    const named = binding("of-secrets", { name: "s", namespace: "default", parameterNotFoundAction: "Deny" });
    const about =
      'ValidatingAdmissionPolicyBinding.admissionregistration.k8s.io "b" is invalid: spec.paramRef: Forbidden: ';
    assert.deepEqual(await make(jane, bindings, named), {
      code: 422,
      text: `${about}user ${who}ID]]} does not have "get" permission on the object referenced by paramRef`,
    });
    const selected = binding("of-secrets", { selector: {}, parameterNotFoundAction: "Deny" });
    assert.match(
      (await make(jane, bindings, selected)).text,
      /does not have "list" permission on the object/,
    );
    assert.match(
      (await make(jane, bindings, binding("nosuch", { name: "s", parameterNotFoundAction: "Deny" }))).text,
      /unable to get policy nosuch to determine minimum required permissions .* for all groups, versions and resources/,
    );
    assert.equal((await make(jane, bindings, binding("of-secrets"))).code, 201);
  });
});
