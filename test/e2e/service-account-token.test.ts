import assert from "node:assert/strict";
import { canContain, eventually, isInstalled, type LocalCluster, startCluster } from "../local-cluster.ts";

const folder = "/var/run/secrets/kubernetes.io/serviceaccount";
const url = "https://$KUBERNETES_SERVICE_HOST:$KUBERNETES_SERVICE_PORT";
/** Asks the API with the pod's token until it answers, and prints who it says that is. */
const review = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
const whoAmI = `until curl -sSf --cacert ${folder}/ca.crt -H "Authorization: Bearer $(cat ${folder}/token)" -H 'Content-Type: application/json' -d '{}' ${url}${review}; do sleep 1; done`;

const pod = (name: string, script: string, spec: object = {}) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name },
  spec: {
    serviceAccountName: "reader",
    restartPolicy: "Never",
    containers: [{ name: "c", image: "pintle.local/host", command: ["sh", "-c", script] }],
    ...spec,
  },
});
const objects = [
  { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "reader" } },
  pod("asks", `cat ${folder}/namespace; ${whoAmI}`, {
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
    const log = await cluster.kubectl("logs", "asks");
    const [, namespace, body = ""] = /^([a-z]+)(\{[\s\S]*)$/.exec(log) ?? [];
    assert.equal(namespace, "default", log);
    const { username, extra } = JSON.parse(body).status.userInfo;
    assert.equal(username, "system:serviceaccount:default:reader");
    assert.deepEqual(extra["authentication.kubernetes.io/pod-name"], ["asks"]);
    assert.deepEqual(extra["authentication.kubernetes.io/node-name"], ["node-1"]);
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
