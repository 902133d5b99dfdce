import assert from "node:assert/strict";
import { UsageError } from "../../base/os/flags.ts";
import { connectCluster } from "./connect.ts";
import { inClusterConfig } from "./in-cluster.ts";

const folder = "/var/run/secrets/kubernetes.io/serviceaccount";

describe("client/kube/in-cluster", () => {
  const env = { KUBERNETES_SERVICE_HOST: "10.96.0.1", KUBERNETES_SERVICE_PORT: "443" };
  const sources = (files: Record<string, string>) => ({
    env,
    exists: (path: string) => path.slice(folder.length + 1) in files,
    readFile: (path: string) => {
      const content = files[path.slice(folder.length + 1)];
      if (content === undefined) throw new Error("ENOENT");
      return content;
    },
  });

  it("is the pod's service account, whose token is read again", () => {
    assert.deepEqual(inClusterConfig(sources({ token: "t\n", "ca.crt": "CA", namespace: "shop" })), {
      servers: ["https://10.96.0.1:443"],
      caPem: "CA",
      token: "t",
      tokenFile: `${folder}/token`,
      namespace: "shop",
    });
    const v6 = {
      ...sources({ token: "t", "ca.crt": "CA" }),
      env: { ...env, KUBERNETES_SERVICE_HOST: "fd00::1" },
    };
    assert.deepEqual(inClusterConfig(v6)?.servers, ["https://[fd00::1]:443"]);
    assert.equal(inClusterConfig(v6)?.namespace, "default");
  });

  it("is nothing outside a pod, and says what it cannot read in one", () => {
    assert.equal(inClusterConfig({ ...sources({ token: "t" }), env: {} }), undefined);
    assert.equal(inClusterConfig(sources({})), undefined);
    assert.throws(
      () => inClusterConfig(sources({ token: "t" })),
      (error: Error) => {
        assert.ok(error instanceof UsageError);
        assert.match(error.message, /cannot read ca.crt/);
        return true;
      },
    );
  });

  it("gives way to a kubeconfig that is named, as file or text", () => {
    const kubeconfigText = `{clusters: [{name: c, cluster: {server: "https://h/"}}], contexts: [{name: x, context: {cluster: c, namespace: n}}], current-context: x}`;
    const api = connectCluster({ kubeconfigText });
    assert.equal(api.namespace, "n");
    api.close();
    assert.throws(() => connectCluster({ kubeconfigText: "{" }), /the kubeconfig given as text is not YAML/);
    assert.throws(() => connectCluster({ kubeconfig: "/none" }), /cannot read \/none/);
  });
});
