import assert from "node:assert/strict";
import fc from "fast-check";
import { UsageError } from "../base/os/flags.ts";
import { identityHeaders } from "./identity-headers.ts";
import { contextNames, kubeconfigText, loadKubeconfig, type RestConfig } from "./kubeconfig.ts";

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

  it("passes over files of KUBECONFIG that are missing, unless all are, and lists the contexts of all", () => {
    const text = kubeconfigText(config);
    const readFile = (path: string) => {
      if (path === "/b/k") return text;
      throw Object.assign(new Error(`${path}: nothing here`), {
        code: path === "/c/k" ? "EACCES" : "ENOENT",
      });
    };
    const read = (KUBECONFIG: string) => ({ env: { KUBECONFIG }, readFile });
    assert.deepEqual(loadKubeconfig(undefined, read("/a/k:/b/k")), config);
    assert.deepEqual(contextNames(undefined, read("/a/k:/b/k")), ["pintle"]);
    assert.throws(() => loadKubeconfig(undefined, read("/a/k:/d/k")), /none of \/a\/k, \/d\/k is there/);
    assert.throws(() => loadKubeconfig(undefined, read("/a/k")), /cannot read \/a\/k: .*pintle up/);
    assert.throws(() => loadKubeconfig(undefined, read("/b/k:/c/k")), /cannot read \/c\/k/);
    assert.throws(() => loadKubeconfig("/a/k", read("/b/k")), /cannot read \/a\/k/);
  });

  it("honours whom a user acts as, and refuses ways to say who asks that it does not have", () => {
    const actingAs = { user: "jörg", uid: "u", groups: ["dev", "ops"], extra: { "acme.com/p": ["x"] } };
    const text = kubeconfigText({ ...config, actingAs });
    const read = loadKubeconfig("/k", sources({ "/k": text }));
    assert.deepEqual(read.actingAs, actingAs);
    assert.deepEqual(identityHeaders(read), {
      "impersonate-user": "j\u00c3\u00b6rg",
      "impersonate-uid": "u",
      "impersonate-group": ["dev", "ops"],
      "impersonate-extra-acme.com%2Fp": ["x"],
    });
    const withUser = (user: string) =>
      `{clusters: [{name: c, cluster: {server: "https://h/"}}], contexts: [{name: x, context: {cluster: c, user: u}}], current-context: x, users: [{name: u, user: ${user}}]}`;
    for (const [user, wanted] of [
      ["{username: a, password: b}", /\/k: "username" is not supported/],
      ["{auth-provider: {name: gcp}}", /"auth-provider" is not supported/],
      ["{exec: {command: x}}", /exec: apiVersion undefined is not supported/],
      ["{as-groups: [g]}", /need "as"/],
    ] as const)
      assert.throws(() => loadKubeconfig("/k", sources({ "/k": withUser(user) })), wanted);
  });

  it("passes over nothing that it cannot take as it stands", () => {
    const refused = (cluster: string, user: string, expected: RegExp) => {
      const k = `{clusters: [{name: c, cluster: {server: "https://h"${cluster}}}], users: [{name: u, user: {${user}}}], contexts: [{name: x, context: {cluster: c, user: u}}], current-context: x}`;
      assert.throws(
        () => loadKubeconfig("/k", sources({ "/k": k })),
        (error: Error) => error instanceof UsageError && expected.test(error.message),
        `${cluster} ${user}`,
      );
    };
    refused("", "token: 12345", /\/k: "token" must be a text: put it in quotes/);
    refused(", insecure-skip-tls-verify: yes please", "", /"insecure-skip-tls-verify" must be true or false/);
    refused(', certificate-authority-data: "-----BEGIN"', "", /"certificate-authority-data" is no base64/);
    refused(", certificate-authority-data: Q0E=, insecure-skip-tls-verify: true", "", /exclude each other/);
    refused("", "client-certificate-data: Q0E=", /"client-certificate" and "client-key" need each other/);
    refused("", "client-key-data: Q0E=", /need each other/);
    refused(', servers: ["https://[::1"]', "", /"https:\/\/\[::1" is not an http\(s\) URL/);
  });

  it("says of any text what is wrong with it, or takes it", () => {
    const word = fc.constantFrom(
      ...[
        "clusters",
        "users",
        "contexts",
        "cluster",
        "user",
        "name",
        "c",
        "server",
        "https://h",
        "current-context",
      ],
      ...["token", "exec", "command", "apiVersion", "as", "certificate-authority-data", "tokenFile"],
    );
    const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 6 },
        word,
        fc.jsonValue(),
        fc.array(tie("tree"), { maxLength: 3 }),
        fc.dictionary(word, tie("tree"), { maxKeys: 4 }),
      ),
    }));
    const entry = (field: string) =>
      fc.array(fc.record({ name: fc.constant("c"), [field]: tree }), { maxLength: 2 });
    const document = fc.record({
      clusters: fc.oneof(tree, entry("cluster")),
      users: fc.oneof(tree, entry("user")),
      contexts: fc.constant([{ name: "c", context: { cluster: "c", user: "c" } }]),
      "current-context": fc.constant("c"),
    });
    const file = fc.oneof(
      fc.string(),
      document.map((one) => JSON.stringify(one)),
    );
    fc.assert(
      fc.property(file, (text) => {
        try {
          assert.ok(loadKubeconfig("/k", sources({ "/k": text })).servers.length > 0);
        } catch (error) {
          assert.ok(error instanceof UsageError, String(error));
        }
      }),
      { numRuns: 300 },
    );
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
