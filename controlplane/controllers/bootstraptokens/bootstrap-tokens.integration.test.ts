import assert from "node:assert/strict";
import { resources } from "../../../client/resources.ts";
import { ttlAnnotation } from "../nodettl/plan-ttl.ts";
import { startTestCluster, type TestCluster } from "../testing/cluster.ts";
import { timeText } from "../times.ts";

describe("bootstrap tokens in a cluster that wants them", () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await startTestCluster({
      nodes: ["n1"],
      flags: ["--controllers=*,bootstrapsigner,tokencleaner"],
    });
  });
  after(() => cluster.stop());

  it("sign what kube-public says of the cluster, and are deleted when they end", async () => {
    const { client } = cluster;
    const ref = { name: "cluster-info", namespace: "kube-public" };
    await client.create(resources.configmaps, { metadata: ref, data: { kubeconfig: "kind: Config" } });
    const token = (id: string, expiration: number) =>
      client.create(resources.secrets, {
        metadata: { name: `bootstrap-token-${id}`, namespace: "kube-system" },
        type: "bootstrap.kubernetes.io/token",
        stringData: {
          "token-id": id,
          "token-secret": "0123456789abcdef",
          "usage-bootstrap-signing": "true",
          expiration: timeText(expiration),
        },
      });
    await token("abcdef", Date.now() + 3_600_000);
    await cluster.until(resources.configmaps, "a signature", (all) =>
      all.some(
        ({ metadata, data }) => metadata.name === ref.name && data?.["jws-kubeconfig-abcdef"] !== undefined,
      ),
    );
    await token("ghijkl", Date.now() + 2_000);
    await cluster.until(resources.secrets, "made", (all) =>
      all.some(({ metadata }) => metadata.name === "bootstrap-token-ghijkl"),
    );
    await cluster.until(
      resources.secrets,
      "deleted",
      (all) => !all.some(({ metadata }) => metadata.name === "bootstrap-token-ghijkl"),
    );
    const { data } = await cluster.until(resources.configmaps, "no other signature", (all) =>
      all.find((one) => one.metadata.name === ref.name && !("jws-kubeconfig-ghijkl" in (one.data ?? {}))),
    );
    assert.deepEqual(Object.keys(data ?? {}).sort(), ["jws-kubeconfig-abcdef", "kubeconfig"]);
  });

  it("beside nodes that are told how long to keep what they read", () =>
    cluster.until(resources.nodes, "annotated", (all) =>
      all.every(({ metadata }) => metadata.annotations?.[ttlAnnotation] === "0"),
    ));
});
