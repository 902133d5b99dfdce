import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startTestApiserver, type TestApiserver } from "./testing.ts";

interface Outcome {
  readonly code: number;
  readonly output: string;
}

/** The real kubectl: what it prints when it talks to us. */
describe("kubectl", () => {
  let server: TestApiserver;
  let folder: string;
  before(async function () {
    if (spawnSync("kubectl", ["version", "--client"]).status !== 0) this.skip();
    server = await startTestApiserver();
    folder = await mkdtemp(join(tmpdir(), "pintle-kubectl-"));
  });
  after(async () => {
    await server?.stop();
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  });

  const kubectl = (...args: string[]): Promise<Outcome> =>
    new Promise((resolve) => {
      const env = {
        ...process.env,
        KUBECONFIG: server.kubeconfig,
        HOME: folder,
        KUBE_EDITOR: "sed -i s/before/after/",
      };
      execFile("kubectl", args, { env, timeout: 15_000 }, (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === "number" ? error.code : -1;
        resolve({ code, output: stdout + stderr });
      });
    });
  const succeeds = async (wanted: RegExp, ...args: string[]) => {
    const { code, output } = await kubectl(...args);
    assert.equal(code, 0, output);
    assert.match(output, wanted);
  };
  const fails = async (wanted: RegExp, ...args: string[]) => {
    const { code, output } = await kubectl(...args);
    assert.ok(code > 0, output);
    assert.match(output, wanted);
  };
  const file = async (name: string, text: string) => {
    const path = join(folder, name);
    await writeFile(path, text);
    return path;
  };

  it("applies lists, names kinds that are not served, reads both schema documents, asks about access", async () => {
    const list = await file(
      "list.yaml",
      "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: ConfigMap\n  metadata:\n    name: one-of-a-list\n",
    );
    await succeeds(/configmap\/one-of-a-list created/, "apply", "-f", list);
    const unserved = await file(
      "unserved.yaml",
      "apiVersion: acme.com/v1\nkind: Gadget\nmetadata:\n  name: g\n",
    );
    for (const verb of ["apply", "create"])
      await fails(/no matches for kind "Gadget" in version "acme\.com\/v1"/, verb, "-f", unserved);
    await succeeds(/KIND: +Pod/, "explain", "pods", "--output=plaintext-openapiv2");
    const review = await file(
      "review.yaml",
      "apiVersion: authorization.k8s.io/v1\nkind: SubjectAccessReview\nspec:\n  user: bob\n  resourceAttributes:\n    verb: get\n    resource: pods\n",
    );
    await succeeds(/allowed: false/, "create", "--validate=false", "-f", review, "-o", "yaml");
    await fails(/User "bob" cannot list resource "secrets"/, "get", "secrets", "--as=bob");
  });

  it("explains each field by its own text, not by that of the type that it refers to", async () => {
    const explained: readonly (readonly [string, RegExp])[] = [
      ["pod.metadata", /Standard object.s metadata/],
      ["pod.spec", /What the pod should be/],
      ["pod.spec.affinity", /which other pods' nodes/],
      ["pod.spec.affinity.podAntiAffinity", /must not or would rather not be near/],
      ["pod.spec.containers.livenessProbe", /whether the container is alive: it is restarted/],
      ["pod.spec.containers.readinessProbe", /taken out of its services while the probe fails/],
      ["pod.spec.containers.startupProbe", /the other probes begin once it succeeds/],
      ["pod.spec.containers.livenessProbe.exec", /must end with 0/],
      ["pod.spec.containers.lifecycle.preStop", /Run before the container is stopped/],
      ["pod.spec.containers.resources", /that the container asks for, and its limits/],
      ["pod.spec.containers.env.valueFrom.secretKeyRef", /A key of a Secret/],
      ["pod.spec.volumes.emptyDir", /empty directory that lives as long as the pod/],
      ["pod.status.containerStatuses.lastState", /ended the last time/],
      ["deployment.spec.selector", /replica sets of such pods are its own/],
      ["deployment.spec.strategy", /pods of an old template/],
      ["deployment.spec.template", /restartPolicy must be Always/],
      ["daemonset.spec.updateStrategy.rollingUpdate", /Only for type RollingUpdate/],
      ["job.spec.podFailurePolicy", /counts\s+towards\s+backoffLimit/],
      ["service.spec.sessionAffinityConfig.clientIP", /told apart by address/],
      ["endpointslice.endpoints.conditions", /ready, serving or ending/],
      ["lease.spec", /Who holds the lease/],
    ];
    for (const [field, text] of explained) {
      const words = new RegExp(text.source.replaceAll(" ", "\\s+"));
      const { code, output } = await kubectl("explain", field);
      assert.equal(code, 0, output);
      // A type's own text may follow; the field's stands first.
      assert.match(/DESCRIPTION:([\s\S]*?)(?:FIELDS|$)/.exec(output)?.[1] ?? "", words, field);
    }
    await succeeds(
      /DESCRIPTION:\s+Asks at intervals whether the container is alive/,
      ...["explain", "pod.spec.containers.livenessProbe", "--output=plaintext-openapiv2"],
    );
  });

  it("knows the server and its kinds", async () => {
    await succeeds(/Server Version: v1\.36/, "version");
    await succeeds(/deployments +deploy +apps\/v1 +true +Deployment/, "api-resources");
    await succeeds(/FIELD: replicas <integer>/, "explain", "deployment.spec.replicas");
    await succeeds(/^yes/, "auth", "can-i", "create", "pods");
    await succeeds(/system:masters/, "auth", "whoami");
    await fails(/the server doesn't have a resource type "gizmos"/, "get", "gizmos");
  });

  it("creates, applies, edits, patches, labels, scales, waits and deletes", async () => {
    await succeeds(/created/, "create", "namespace", "k");
    await succeeds(/created/, "create", "configmap", "c", "-n", "k", "--from-literal=a=before");
    await succeeds(/edited/, "edit", "configmap", "c", "-n", "k");
    await succeeds(/^after$/, "get", "configmap", "c", "-n", "k", "-o", "jsonpath={.data.a}");
    const path = await file(
      "web.yaml",
      "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: k}\nspec:\n  selector: {matchLabels: {a: b}}\n  template:\n    metadata: {labels: {a: b}}\n    spec: {containers: [{name: web, image: i, env: [{name: A, value: x}]}]}\n",
    );
    await succeeds(/web created/, "apply", "-f", path);
    await succeeds(/web unchanged/, "apply", "-f", path);
    await succeeds(/serverside-applied/, "apply", "--server-side", "--force-conflicts", "-f", path);
    await succeeds(/scaled/, "scale", "deployment", "web", "-n", "k", "--replicas=3");
    await succeeds(/web +0\/3 +0 +0 +\d+s/, "get", "deploy", "-n", "k");
    const env =
      '{"spec":{"template":{"spec":{"containers":[{"name":"web","env":[{"name":"B","value":"y"}]}]}}}}';
    await succeeds(/patched/, "patch", "deployment", "web", "-n", "k", "-p", env);
    const names = "jsonpath={.spec.template.spec.containers[0].env[*].name}";
    const { output } = await kubectl("get", "deploy", "web", "-n", "k", "-o", names);
    assert.deepEqual(output.split(" ").sort(), ["A", "B"]);
    await succeeds(/labeled/, "label", "deployment", "web", "-n", "k", "x=y");
    await succeeds(/annotated/, "annotate", "deployment", "web", "-n", "k", "x=y");
    await succeeds(
      /condition met/,
      "wait",
      "--for=jsonpath={.spec.replicas}=3",
      "deployment/web",
      "-n",
      "k",
      "--timeout=5s",
    );
    await succeeds(/deleted/, "delete", "deployment", "web", "-n", "k");
    await fails(
      /Error from server \(NotFound\): deployments\.apps "web" not found/,
      "get",
      "deploy",
      "web",
      "-n",
      "k",
    );
  });

  it("shows changes as they happen", async () => {
    const watching = kubectl("get", "configmaps", "-w", "--request-timeout=2s", "-l", "watched");
    await succeeds(/created/, "create", "configmap", "w", "--from-literal=a=b");
    await succeeds(/labeled/, "label", "configmap", "w", "watched=yes");
    assert.match((await watching).output, /w +1 +\d+s/);
  });

  it("makes roles and bindings, tells who may what, and brings them in line with files", async () => {
    const as = ["--as=bob", "-n", "default"];
    await fails(/^no/, "auth", "can-i", "get", "pods", ...as);
    await succeeds(/created/, ...["create", "role", "reader", "--verb=get,list", "--resource=pods,pods/log"]);
    await succeeds(/created/, ...["create", "rolebinding", "bob", "--role=reader", "--user=bob"]);
    await succeeds(
      /created/,
      ...["create", "clusterrolebinding", "ops", "--clusterrole=view", "--group=ops"],
    );
    await succeeds(/bob +Role\/reader +\d+s +bob/, "get", "rolebindings", "-o", "wide");
    await succeeds(/reader +\d{4}-\d\d-\d\dT/, "get", "roles");
    await succeeds(/^yes/, "auth", "can-i", "get", "pods", ...as);
    await succeeds(/^yes/, "auth", "can-i", "get", "pods", "--subresource=log", ...as);
    await fails(/^no/, "auth", "can-i", "delete", "pods", ...as);
    await succeeds(/pods\/log +\[\] +\[\] +\[get list\]/, "auth", "can-i", "--list", ...as);
    await succeeds(/^yes/, "auth", "can-i", "list", "deployments", "-A", "--as=eve", "--as-group=ops");
    await succeeds(/PolicyRule:[\s\S]*pods\/log +\[\] +\[\] +\[get list\]/, "describe", "role", "reader");
    const path = await file(
      "reader.yaml",
      "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: reader, namespace: default}\nrules:\n- {verbs: [watch], apiGroups: [''], resources: [pods]}\n",
    );
    await succeeds(/reader reconciled/, "auth", "reconcile", "-f", path);
    await succeeds(/^yes/, "auth", "can-i", "watch", "pods", ...as);
  });

  it("says why not", async () => {
    await fails(
      /Operation cannot be fulfilled on configmaps "w": the object has been modified/,
      ...["patch", "configmap", "w", "--type=merge", "-p", '{"metadata":{"resourceVersion":"1"}}'],
    );
    await fails(
      /namespaces "default" is forbidden: this namespace may not be deleted/,
      "delete",
      "ns",
      "default",
    );
    const jane = await server.kubeconfigFor("jane");
    await fails(
      /User "jane" cannot list resource "pods" in API group ""/,
      "get",
      "pods",
      `--kubeconfig=${jane}`,
    );
  });
});
