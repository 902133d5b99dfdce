import assert from "node:assert/strict";
import { issuingConfig, newSigningKey } from "./authentication/testing.ts";
import { startTestApiserver, type TestApiserver } from "./testing.ts";
import { pod } from "./testing-objects.ts";

const pods = "/api/v1/namespaces/default/pods";

describe("what a new pod must pass", () => {
  let api: TestApiserver;
  before(async () => {
    const authentication = issuingConfig(newSigningKey().pem);
    api = await startTestApiserver({ config: { disabledAdmission: [], authentication } });
    for (const [name, more] of [
      ["default", {}],
      ["shy", { automountServiceAccountToken: false }],
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

  describe("its account's token", () => {
    const mountPath = "/var/run/secrets/kubernetes.io/serviceaccount";
    const made = async (name: string, spec: object) => {
      const answer = await create(name, spec);
      assert.equal(answer.code, 201, answer.text);
      return answer.body.spec;
    };

    it("comes in a volume of every container, as Kubernetes adds it", async () => {
      const init = { name: "i", image: "i" };
      const { volumes, containers, initContainers } = await made("token", { initContainers: [init] });
      const [{ name, ...volume }] = volumes;
      assert.match(name, /^kube-api-access-[a-z0-9]{5}$/);
      assert.deepEqual(volume, {
        projected: {
          sources: [
            { serviceAccountToken: { expirationSeconds: 3607, path: "token" } },
            { configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt", path: "ca.crt" }] } },
            {
              downwardAPI: {
                items: [
                  { path: "namespace", fieldRef: { apiVersion: "v1", fieldPath: "metadata.namespace" } },
                ],
              },
            },
          ],
          defaultMode: 420,
        },
      });
      for (const { volumeMounts } of [...containers, ...initContainers])
        assert.deepEqual(volumeMounts, [{ name, readOnly: true, mountPath }]);
    });

    it("does not come where the pod does not want it, or its account and the pod says nothing", async () => {
      assert.equal((await made("unwanted", { automountServiceAccountToken: false })).volumes, undefined);
      assert.equal((await made("shy", { serviceAccountName: "shy" })).volumes, undefined);
      const bold = await made("bold", { serviceAccountName: "shy", automountServiceAccountToken: true });
      assert.equal(bold.volumes.length, 1);
    });

    it("leaves alone what stands in its place, and uses a volume of the sort that is there", async () => {
      const volumeMounts = [{ name: "own", mountPath }];
      const own = await made("replaced", {
        volumes: [{ name: "own", emptyDir: {} }],
        containers: [{ name: "c", image: "i", volumeMounts }],
      });
      assert.deepEqual([own.volumes.length, own.containers[0].volumeMounts], [1, volumeMounts]);
      const again = await made("again", { volumes: [{ name: "kube-api-access-mine", emptyDir: {} }] });
      assert.deepEqual(
        [again.volumes.length, again.containers[0].volumeMounts[0].name],
        [1, "kube-api-access-mine"],
      );
    });

    it("is not there where the server gives out none", async () => {
      const plain = await startTestApiserver({ config: { disabledAdmission: [] } });
      try {
        const accounts = "/api/v1/namespaces/default/serviceaccounts";
        await plain.admin.call("POST", accounts, { body: { metadata: { name: "default" } } });
        const answer = await plain.admin.call("POST", pods, { body: pod("p") });
        assert.deepEqual([answer.code, answer.body.spec.volumes], [201, undefined]);
      } finally {
        await plain.stop();
      }
    });
  });

  it("has only the secrets that its account lists, where the account asks for that", async () => {
    const body = {
      metadata: { name: "strict", annotations: { "kubernetes.io/enforce-mountable-secrets": "true" } },
      secrets: [{ name: "known" }],
    };
    await api.admin.call("POST", "/api/v1/namespaces/default/serviceaccounts", { body });
    const strict = (spec: object) => create("strict", { serviceAccountName: "strict", ...spec });
    const volume = (secretName: string) => ({ volumes: [{ name: "s", secret: { secretName } }] });
    assert.equal((await strict(volume("known"))).code, 201);
    const env = [{ name: "A", valueFrom: { secretKeyRef: { name: "other", key: "k" } } }];
    for (const [spec, why] of [
      [
        volume("other"),
        'volume with secret.secretName="other" is not allowed because service account strict does not reference that secret',
      ],
      [
        { containers: [{ name: "c", image: "i", env }] },
        'container c with envVar A referencing secret.secretName="other" is not allowed because service account strict does not reference that secret',
      ],
      [
        { initContainers: [{ name: "c0", image: "i", envFrom: [{ secretRef: { name: "other" } }] }] },
        'init container c0 with envFrom referencing secret.secretName="other" is not allowed because service account strict does not reference that secret',
      ],
      [
        { imagePullSecrets: [{ name: "other" }] },
        'imagePullSecrets[0].name="other" is not allowed because service account strict does not reference that imagePullSecret',
      ],
    ] as const) {
      const answer = await strict(spec);
      assert.deepEqual([answer.code, answer.body.message], [403, `pods "strict" is forbidden: ${why}`]);
    }
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
