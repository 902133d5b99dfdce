import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readAdmissionConfiguration } from "./admission/configuration-file.ts";
import { startTestApiserver, type TestAnswer, type TestApiserver } from "./testing.ts";

const labels = (given: Readonly<Record<string, string | null>>) =>
  Object.fromEntries(
    Object.entries(given).map(([name, value]) => [`pod-security.kubernetes.io/${name}`, value]),
  );
const plain = { containers: [{ name: "c", image: "i" }] };
const hostPort = { containers: [{ name: "c", image: "i", ports: [{ containerPort: 80, hostPort: 80 }] }] };
const usesHostPort = 'hostPort (container "c" uses hostPort 80)';
const pod = (name: string, spec: object) => ({ apiVersion: "v1", kind: "Pod", metadata: { name }, spec });
const deployment = (spec: object) => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "d" },
  spec: {
    selector: { matchLabels: { a: "b" } },
    template: { metadata: { labels: { a: "b" } }, spec },
  },
});

describe("pod security of namespaces", () => {
  let api: TestApiserver;
  let namespaces = 0;
  before(async () => {
    api = await startTestApiserver({
      config: {
        disabledAdmission: ["ServiceAccount"],
        admission: {
          podSecurity: {
            defaults: {
              enforce: { level: "privileged", minor: "latest" },
              audit: { level: "privileged", minor: "latest" },
              warn: { level: "privileged", minor: "latest" },
            },
            exemptNamespaces: ["exempt"],
            exemptUsers: ["the-builder"],
            exemptRuntimeClasses: ["sandbox"],
          },
        },
      },
    });
  });
  after(() => api.stop());

  /** Each by itself, however the client joins them. */
  const warnings = ({ headers }: Pick<TestAnswer, "headers">) => {
    const all = [headers.warning ?? []].flat().join(", ");
    return all === "" ? [] : all.split(/, (?=299 - )/);
  };
  async function makeNamespace(given: Readonly<Record<string, string>>, name = `ns-${++namespaces}`) {
    const body = { apiVersion: "v1", kind: "Namespace", metadata: { name, labels: labels(given) } };
    const answer = await api.admin.call("POST", "/api/v1/namespaces", { body });
    assert.equal(answer.code, 201, answer.text);
    return { path: `/api/v1/namespaces/${name}`, name, answer };
  }
  const relabel = (path: string, given: Readonly<Record<string, string | null>>) =>
    api.admin.call("PATCH", path, {
      body: { metadata: { labels: labels(given) } },
      type: "application/merge-patch+json",
    });

  it("refuses pods, also new containers of pods, that violate what is enforced", async () => {
    const { path } = await makeNamespace({ enforce: "baseline" });
    const refused = await api.admin.call("POST", `${path}/pods`, { body: pod("x", hostPort) });
    assert.deepEqual(
      [refused.code, refused.body.reason, refused.body.message],
      [403, "Forbidden", `pods "x" is forbidden: violates PodSecurity "baseline:latest": ${usesHostPort}`],
    );
    assert.equal((await api.admin.call("POST", `${path}/pods`, { body: pod("y", plain) })).code, 201);
    const debug = { name: "e", image: "i", securityContext: { capabilities: { add: ["SYS_ADMIN"] } } };
    const added = await api.admin.call("PATCH", `${path}/pods/y/ephemeralcontainers`, {
      body: { spec: { ephemeralContainers: [debug] } },
      type: "application/strategic-merge-patch+json",
    });
    assert.deepEqual(
      [added.code, added.body.message],
      [
        403,
        'pods "y" is forbidden: violates PodSecurity "baseline:latest": non-default capabilities (container "e" must not include "SYS_ADMIN" in securityContext.capabilities.add)',
      ],
    );
  });

  it("warns of what makes pods that would be refused, and lets it in", async () => {
    const { name } = await makeNamespace({ enforce: "baseline" });
    const path = `/apis/apps/v1/namespaces/${name}/deployments`;
    const made = await api.admin.call("POST", path, { body: deployment(hostPort) });
    assert.equal(made.code, 201);
    assert.deepEqual(warnings(made), [
      '299 - "would violate PodSecurity \\"baseline:latest\\": hostPort (container \\"c\\" uses hostPort 80)"',
    ]);
  });

  it("warns of pods by its own level, but not of those that it refuses", async () => {
    const { path } = await makeNamespace({ enforce: "baseline", warn: "restricted", "warn-version": "v1.0" });
    const made = await api.admin.call("POST", `${path}/pods`, { body: pod("x", plain) });
    assert.equal(made.code, 201);
    assert.deepEqual(warnings(made), [
      '299 - "would violate PodSecurity \\"restricted:v1.0\\": runAsNonRoot != true (pod or container \\"c\\" must set securityContext.runAsNonRoot=true)"',
    ]);
    const refused = await api.admin.call("POST", `${path}/pods`, { body: pod("y", hostPort) });
    assert.deepEqual([refused.code, warnings(refused)], [403, []]);
  });

  it("refuses labels that say nothing, unless they stood there", async () => {
    const bad = { enforce: "bad", warn: "worse", "audit-version": "v2" };
    const { path, name } = await makeNamespace({});
    const refused = await relabel(path, bad);
    const at = "metadata.labels[pod-security.kubernetes.io/";
    assert.deepEqual(
      [refused.code, refused.body.message],
      [
        422,
        `Namespace "${name}" is invalid: [${at}enforce]: Invalid value: "bad": must be one of privileged, baseline, restricted, ${at}audit-version]: Invalid value: "v2": must be "latest" or "v1.x", ${at}warn]: Invalid value: "worse": must be one of privileged, baseline, restricted]`,
      ],
    );
  });

  it("warns of the pods that are there when more is asked for, alike ones together", async () => {
    const { path, name } = await makeNamespace({});
    for (const [one, spec] of [
      ["b", plain],
      ["a", plain],
      ["x", hostPort],
    ] as const)
      assert.equal((await api.admin.call("POST", `${path}/pods`, { body: pod(one, spec) })).code, 201);
    const violate = (level: string) =>
      `299 - "existing pods in namespace \\"${name}\\" violate the new PodSecurity enforce level \\"${level}\\""`;
    const reasons =
      "allowPrivilegeEscalation != false, unrestricted capabilities, runAsNonRoot != true, seccompProfile";
    assert.deepEqual(warnings(await relabel(path, { enforce: "restricted" })), [
      violate("restricted:latest"),
      `299 - "a (and 1 other pod): ${reasons}"`,
      `299 - "x: hostPort, ${reasons}"`,
    ]);
    assert.deepEqual(warnings(await relabel(path, { enforce: "baseline" })), []);
    assert.deepEqual(warnings(await relabel(path, { "enforce-version": "v1.2" })), [
      violate("baseline:v1.2"),
      '299 - "x: hostPort"',
    ]);
  });

  it("binds neither exempt namespaces, users nor runtime classes", async () => {
    const exempt = await makeNamespace({ enforce: "restricted" }, "exempt");
    assert.deepEqual(warnings(exempt.answer), [
      '299 - "namespace \\"exempt\\" is exempt from Pod Security, and the policy (enforce=restricted:latest) will be ignored"',
    ]);
    const path = `${exempt.path}/pods`;
    assert.equal((await api.admin.call("POST", path, { body: pod("x", hostPort) })).code, 201);
    const { path: bound } = await makeNamespace({ enforce: "restricted" });
    const builder = await api.clientFor("the-builder", ["system:masters"]);
    assert.equal((await builder.call("POST", `${bound}/pods`, { body: pod("x", hostPort) })).code, 201);
    builder.close();
    const runtime = { apiVersion: "node.k8s.io/v1", kind: "RuntimeClass", handler: "h" };
    await api.admin.call("POST", "/apis/node.k8s.io/v1/runtimeclasses", {
      body: { ...runtime, metadata: { name: "sandbox" } },
    });
    const boxed = pod("y", { ...hostPort, runtimeClassName: "sandbox" });
    assert.equal((await api.admin.call("POST", `${bound}/pods`, { body: boxed })).code, 201);
  });
});

describe("the file of --admission-control-config-file", () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "admission-"));
  });
  after(() => rmSync(folder, { recursive: true }));
  const read = (text: string) => {
    const path = join(folder, "admission.yaml");
    writeFileSync(path, text);
    const problems: string[] = [];
    const { podSecurity } = readAdmissionConfiguration(path, problems);
    return { podSecurity, problems: problems.map((problem) => problem.replace(`${folder}/`, "")) };
  };
  const head = "apiVersion: apiserver.config.k8s.io/v1\nkind: AdmissionConfiguration\n";
  const podSecurity =
    "apiVersion: pod-security.admission.config.k8s.io/v1\nkind: PodSecurityConfiguration\ndefaults: {enforce: baseline, enforce-version: v1.30}\nexemptions: {namespaces: [kube-system]}\n";

  it("gives PodSecurity its defaults and exemptions, in the file or in one beside it", () => {
    writeFileSync(join(folder, "pods.yaml"), podSecurity);
    const { podSecurity: found, problems } = read(`${head}plugins: [{name: PodSecurity, path: pods.yaml}]`);
    assert.deepEqual(problems, []);
    assert.deepEqual(found.defaults.enforce, { level: "baseline", minor: 30 });
    assert.deepEqual(found.defaults.warn, { level: "privileged", minor: "latest" });
    assert.deepEqual(found.exemptNamespaces, ["kube-system"]);
    const inline = `${head}plugins:\n- name: PodSecurity\n  configuration:\n${podSecurity.replaceAll(/^/gm, "    ")}`;
    assert.deepEqual(read(inline).podSecurity, found);
  });

  it("is refused by what is wrong in it", () => {
    assert.deepEqual(read(`${head}plugins: [{name: ImagePolicyWebhook, path: x}]`).problems, [
      'admission.yaml: plugin "ImagePolicyWebhook" takes no configuration here; PodSecurity does',
    ]);
    const wrong = podSecurity.replace("enforce: baseline", "enforce: basic, waarn: x");
    writeFileSync(join(folder, "pods.yaml"), wrong);
    assert.deepEqual(read(`${head}plugins: [{name: PodSecurity, path: pods.yaml}]`).problems, [
      'pods.yaml: defaults.enforce: "basic": must be one of privileged, baseline, restricted',
      "pods.yaml: defaults.waarn: unknown field",
    ]);
    assert.match(read("kind: Pod").problems[0] ?? "", /not an AdmissionConfiguration/);
  });
});

describe("new nodes are tainted", () => {
  it("as not ready, whoever makes them, and once", async () => {
    const api = await startTestApiserver({ config: { disabledAdmission: [] } });
    try {
      const taint = { key: "node.kubernetes.io/not-ready", effect: "NoSchedule" };
      for (const [name, spec] of [
        ["n", {}],
        ["m", { taints: [taint] }],
      ] as const) {
        const body = { apiVersion: "v1", kind: "Node", metadata: { name }, spec };
        const made = await api.admin.call("POST", "/api/v1/nodes", { body });
        assert.deepEqual([made.code, made.body.spec.taints], [201, [taint]]);
      }
    } finally {
      await api.stop();
    }
  });
});
