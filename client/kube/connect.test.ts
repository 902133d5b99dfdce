import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type ConnectOptions, connectCluster } from "./connect.ts";
import { kinds } from "./kinds.ts";
import type { LogLine } from "./log-lines.ts";

const nowhere = { servers: ["http://127.0.0.1:1"], namespace: "n" };

describe("client/kube/connect", () => {
  it("passes over no option: that might lead to another cluster", () => {
    const refused = (options: unknown, expected: RegExp) =>
      assert.throws(
        () => connectCluster(options as ConnectOptions),
        (error: Error) => {
          assert.ok(error instanceof TypeError);
          assert.match(error.message, expected);
          return true;
        },
      );
    refused(null, /^options: null must be an object/);
    refused({ kubeConfig: "/k" }, /^kubeConfig: "\/k" is none of kubeconfig, kubeconfigText/);
    refused({ kubeconfig: 5 }, /^kubeconfig: 5 must be a text/);
    refused({ kubeconfig: "" }, /^kubeconfig: "" must be a text/);
    refused({ kubeconfig: "/k", kubeconfigText: "{}" }, /^kubeconfig and kubeconfigText exclude each other/);
    refused({ config: nowhere, context: "x" }, /^context: is of a kubeconfig/);
    refused({ config: { servers: "https://h" } }, /^config.servers: "https:\/\/h" must be a list of URLs/);
    refused({ config: { servers: [] } }, /^config.servers: \[\] must be/);
  });

  it("says what a call lacks, and asks nothing of the server then", async () => {
    using api = connectCluster({ config: nowhere });
    const untyped = api as unknown as Record<string, (...given: unknown[]) => Promise<unknown>>;
    const calls: readonly (readonly [string, readonly unknown[], RegExp])[] = [
      ["get", [null], /^a kind or an object is needed, not null/],
      ["get", [kinds.ConfigMap], /^ConfigMap: an address such as .* is needed, not nothing/],
      ["delete", [kinds.ConfigMap, "a"], /^ConfigMap: an address such as .* is needed, not "a"/],
      ["delete", [kinds.ConfigMap, { namespace: "n" }], /^ConfigMap: a name is needed/],
      ["delete", [kinds.ConfigMap, { name: ".." }], /^ConfigMap: name "\.\." must/],
      ["deleteAll", [kinds.ConfigMap, {}], /^ConfigMap: deleteAll needs a namespace/],
      ["create", [kinds.ConfigMap, {}], /^ConfigMap: metadata is needed, not nothing/],
      [
        "patch",
        [kinds.ConfigMap, { name: "a" }, {}],
        /^ConfigMap: options such as .* is needed, not nothing/,
      ],
      [
        "patch",
        [kinds.ConfigMap, { name: "a" }, {}, { type: "put" }],
        /^type: "put" is none of merge, strategic/,
      ],
    ];
    for (const [call, given, expected] of calls)
      await assert.rejects(
        async () => untyped[call]?.(...given),
        (error: Error) => error instanceof TypeError && expected.test(error.message),
        `${call} ${JSON.stringify(given)}`,
      );
    for (const name of ["..", "proxy/..", "proxy/../../b", "proxy/."])
      assert.throws(() => api.subresource(kinds.Pod, { name: "a" }, name), TypeError);
    api.subresource(kinds.Pod, { name: "a" }, "proxy/metrics/..a");
  });

  it("tells once what the server warns of", async () => {
    const server = createServer((_, response) => {
      response.setHeader("warning", ['299 - "v1 is old"', '299 - "unknown field \\"a\\""']);
      response.end(JSON.stringify({ kind: "ConfigMapList", items: [], metadata: {} }));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
      const lines: LogLine[] = [];
      const servers = [`http://127.0.0.1:${(server.address() as AddressInfo).port}`];
      using api = connectCluster({ config: { ...nowhere, servers }, onLog: (line) => lines.push(line) });
      for (let n = 0; n < 2; n++) await api.list(kinds.ConfigMap);
      assert.deepEqual(
        lines.map(({ level, message, fields }) => [level, message, fields.warning]),
        [
          ["warn", "the server warns", "v1 is old"],
          ["warn", "the server warns", 'unknown field "a"'],
        ],
      );
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});
