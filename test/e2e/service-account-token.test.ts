import assert from "node:assert/strict";
import { canContain, eventually, isInstalled, type LocalCluster, startCluster } from "../local-cluster.ts";

const folder = "/var/run/secrets/kubernetes.io/serviceaccount";
const url = "https://$KUBERNETES_SERVICE_HOST:$KUBERNETES_SERVICE_PORT";
const asThePod = `curl -sSf --cacert ${folder}/ca.crt -H "Authorization: Bearer $(cat ${folder}/token)"`;
const review = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
/** Asks the API with the pod's token who it is, then which pods there are; each until it is answered, in one line, which curl
 *  gets only where it asks for it. */
const script = [
  `cat ${folder}/namespace; echo`,
  `until ${asThePod} -H 'Content-Type: application/json' -d '{}' "${url}${review}?pretty=false"; do sleep 1; done`,
  `until ${asThePod} "${url}/api/v1/namespaces/default/pods?pretty=false"; do sleep 1; done`,
].join("; ");

const pod = (name: string, command: string, spec: object = {}) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name },
  spec: {
    serviceAccountName: "reader",
    restartPolicy: "Never",
    containers: [{ name: "c", image: "pintle.local/host", command: ["sh", "-c", command] }],
    ...spec,
  },
});
const rbac = "rbac.authorization.k8s.io";
const objects = [
  { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "reader" } },
  {
    apiVersion: `${rbac}/v1`,
    kind: "Role",
    metadata: { name: "reader" },
    rules: [{ apiGroups: [""], resources: ["pods"], verbs: ["list"] }],
  },
  {
    apiVersion: `${rbac}/v1`,
    kind: "RoleBinding",
    metadata: { name: "reader" },
    roleRef: { apiGroup: rbac, kind: "Role", name: "reader" },
    subjects: [{ kind: "ServiceAccount", name: "reader", namespace: "default" }],
  },
  pod("asks", script, {
    securityContext: { runAsUser: 1000, runAsGroup: 1000, fsGroup: 2000 },
  }),
  pod("without", `ls ${folder}`, { automountServiceAccountToken: false }),
];

describe("a pod's service account token", function () {
  this.timeout(300_000);
  let cluster: LocalCluster;
  before(async function () {
    if (!isInstalled("kubectl") || !isInstalled("curl") || !canContain) return this.skip();
    cluster = await startCluster({ replicas: 1, nodes: 1, runtime: "oci" });
    const list = { apiVersion: "v1", kind: "List", items: objects };
    await cluster.kubectlWith(JSON.stringify(list), "apply", "-f", "-");
  });
  after(() => cluster?.stop());

  const ended = (name: string) =>
    eventually(
      `${name} ended`,
      () => cluster.kubectl("get", "pod", name, "-o", "jsonpath={.status.phase}"),
      (phase) => phase === "Succeeded" || phase === "Failed",
    );

  it("lets its containers ask the API as the account, whoever they run as", async () => {
    await ended("asks");
    const said = await cluster.kubectl("logs", "asks");
    const [namespace, who = "", pods = ""] = said.split("\n").filter((line) => !line.startsWith("curl:"));
    assert.equal(namespace, "default", said);
    const { username, extra } = JSON.parse(who).status.userInfo;
    assert.equal(username, "system:serviceaccount:default:reader");
    assert.deepEqual(extra["authentication.kubernetes.io/pod-name"], ["asks"]);
    assert.deepEqual(extra["authentication.kubernetes.io/node-name"], ["node-1"]);
    const names = JSON.parse(pods).items.map(({ metadata }: { metadata: { name: string } }) => metadata.name);
    assert.ok(names.includes("asks"));
  });

  it("is not there where the pod does not want it", async () => {
    await ended("without");
    assert.match(await cluster.kubectl("logs", "without"), /No such file or directory/);
  });

  it("can be had for a moment with kubectl create token, and is known by it", async () => {
    const token = (await cluster.kubectl("create", "token", "reader", "--duration=10m")).trim();
    const server = await cluster.kubectl("config", "view", "-o", "jsonpath={.clusters[0].cluster.server}");
    const who = await cluster.kubectl(
      ...["--server", server, "--insecure-skip-tls-verify", "--kubeconfig", "/dev/null"],
      ...["--token", token, "auth", "whoami", "-o", "jsonpath={.status.userInfo.username}"],
    );
    assert.equal(who, "system:serviceaccount:default:reader");
  });
});
