import assert from "node:assert/strict";
import { startTestApiserver, type TestApiserver } from "./testing.ts";
import { pod } from "./testing-objects.ts";

const pods = "/api/v1/namespaces/default/pods";

describe("what a new pod must pass", () => {
  let api: TestApiserver;
  before(async () => {
    api = await startTestApiserver({ config: { disabledAdmission: [] } });
    for (const [name, more] of [
      ["default", {}],
      ["puller", { imagePullSecrets: [{ name: "registry" }] }],
    ] as const) {
      const body = { apiVersion: "v1", kind: "ServiceAccount", metadata: { name }, ...more };
      const path = "/api/v1/namespaces/default/serviceaccounts";
      assert.equal((await api.admin.call("POST", path, { body })).code, 201);
    }
  });
  after(() => api.stop());

  const create = async (name: string, spec: object) => {
    const body = pod(name);
    return api.admin.call("POST", pods, { body: { ...body, spec: { ...body.spec, ...spec } } });
  };

  const refusals: [spec: object, code: number, message: string][] = [
    [
      { serviceAccountName: "nobody" },
      403,
      'pods "x" is forbidden: error looking up service account default/nobody: serviceaccount "nobody" not found',
    ],
    [{ priorityClassName: "gold" }, 403, 'pods "x" is forbidden: no PriorityClass with name gold was found'],
    [
      { priority: 77 },
      403,
      'pods "x" is forbidden: the integer value of priority (77) must not be provided in pod spec; priority admission controller computed 0 from the given PriorityClass name',
    ],
    [
      { preemptionPolicy: "Never" },
      403,
      'pods "x" is forbidden: the string value of PreemptionPolicy (Never) must not be provided in pod spec; priority admission controller computed PreemptLowerPriority from the given PriorityClass name',
    ],
    [
      { runtimeClassName: "gvisor" },
      403,
      'pods "x" is forbidden: pod rejected: RuntimeClass "gvisor" not found',
    ],
    [
      { overhead: { cpu: "1" } },
      403,
      'pods "x" is forbidden: pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead',
    ],
    [
      {
        ephemeralContainers: [
          { name: "e", image: "i", imagePullPolicy: "Always", terminationMessagePolicy: "File" },
        ],
      },
      422,
      'Pod "x" is invalid: spec.ephemeralContainers: Forbidden: cannot be set on create',
    ],
  ];
  for (const [spec, code, message] of refusals)
    it(`refuses ${JSON.stringify(spec)}`, async () => {
      const answer = await create("x", spec);
      assert.deepEqual([answer.code, answer.body.message], [code, message]);
    });

  it("runs a pod as default, at priority 0, five minutes longer on a node that is lost", async () => {
    const { spec } = (await create("plain", {})).body;
    assert.deepEqual(
      [spec.serviceAccountName, spec.serviceAccount, spec.priority],
      ["default", "default", 0],
    );
    assert.deepEqual(
      spec.tolerations,
      ["not-ready", "unreachable"].map((name) => ({
        key: `node.kubernetes.io/${name}`,
        operator: "Exists",
        effect: "NoExecute",
        tolerationSeconds: 300,
      })),
    );
  });

  it("gives a pod of a system class its priority", async () => {
    for (const [priorityClassName, priority] of [
      ["system-cluster-critical", 2_000_000_000],
      ["system-node-critical", 2_000_001_000],
    ] as const) {
      const { body } = await create(priorityClassName, { priorityClassName });
      assert.deepEqual([body.spec.priority, body.spec.preemptionPolicy], [priority, "PreemptLowerPriority"]);
    }
  });

  it("takes image pull secrets from the account where the pod names none", async () => {
    const taken = await create("taken", { serviceAccountName: "puller" });
    assert.deepEqual(taken.body.spec.imagePullSecrets, [{ name: "registry" }]);
    const own = await create("own", { serviceAccountName: "puller", imagePullSecrets: [{ name: "own" }] });
    assert.deepEqual(own.body.spec.imagePullSecrets, [{ name: "own" }]);
  });

  it("lets the first pod of a new namespace wait for its default account", async () => {
    const name = "fresh";
    const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name } };
    await api.admin.call("POST", "/api/v1/namespaces", { body: namespace });
    const waiting = api.admin.call("POST", "/api/v1/namespaces/fresh/pods", { body: pod("p") });
    const account = { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "default" } };
    await api.admin.call("POST", "/api/v1/namespaces/fresh/serviceaccounts", { body: account });
    assert.equal((await waiting).code, 201);
  });

  it("refuses ephemeral containers in a template", async () => {
    const labels = { app: "a" };
    const ephemeralContainers = [{ name: "e", image: "i" }];
    const template = {
      metadata: { labels },
      spec: { containers: [{ name: "c", image: "i" }], ephemeralContainers },
    };
    const body = {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "d" },
      spec: { selector: { matchLabels: labels }, template },
    };
    const answer = await api.admin.call("POST", "/apis/apps/v1/namespaces/default/deployments", { body });
    assert.equal(answer.code, 422);
    assert.match(
      answer.body.message,
      /spec.template.spec.ephemeralContainers: Forbidden: ephemeral containers not allowed in pod template/,
    );
  });
});
