import assert from "node:assert/strict";
import { UsageError } from "../base/os/flags.ts";
import { kubeconfigText, loadKubeconfig, type RestConfig } from "./kubeconfig.ts";

const sources = (files: Readonly<Record<string, string>>, env: Record<string, string> = {}) => ({
  env,
  readFile: (path: string) => {
    const content = files[path];
    if (content === undefined) throw new Error("ENOENT");
    return content;
  },
});

describe("client/kubeconfig", () => {
  const config: RestConfig = {
    servers: ["https://127.0.0.1:6443", "https://127.0.0.1:6444"],
    caPem: "CA",
    certificatePem: "CERT",
    privateKeyPem: "KEY",
    namespace: "default",
  };

  it("reads back what it writes, all servers included", () => {
    assert.deepEqual(loadKubeconfig("/k", sources({ "/k": kubeconfigText(config) })), config);
  });

  it("follows file references from the kubeconfig's folder, and merges the files of KUBECONFIG", () => {
    const clusters = `{clusters: [{name: c, cluster: {server: "https://h/", certificate-authority: ca.pem}}]}`;
    const rest = `{contexts: [{name: x, context: {cluster: c, user: u, namespace: n}}], current-context: x, users: [{name: u, user: {token: t}}]}`;
    const read = sources({ "/a/k": clusters, "/b/k": rest, "/a/ca.pem": "PEM" }, { KUBECONFIG: "/a/k:/b/k" });
    assert.deepEqual(loadKubeconfig(undefined, read), {
      servers: ["https://h"],
      caPem: "PEM",
      token: "t",
      namespace: "n",
    });
  });

  it("says which file is wrong and how", () => {
    const refused = (content: string, wanted: RegExp) =>
      assert.throws(
        () => loadKubeconfig("/k", sources({ "/k": content })),
        (error) => error instanceof UsageError && wanted.test(error.message),
      );
    refused("{a: [", /\/k is not YAML/);
    refused("{}", /names no current-context/);
    refused("{current-context: x}", /no entry "x" in contexts/);
    refused(
      "{current-context: x, contexts: [{name: x, context: {cluster: c}}], clusters: [{name: c, cluster: {server: 'ftp://h'}}]}",
      /"ftp:\/\/h" is not an http/,
    );
    assert.throws(() => loadKubeconfig("/missing", sources({})), /cannot read \/missing/);
  });
});
