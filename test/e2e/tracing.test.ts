import assert from "node:assert/strict";
import { type CollectedSpan, TestCollector } from "../../base/tracing/testing/collector.ts";
import { eventually, type LocalCluster, startCluster } from "../local-cluster.ts";

const pod = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "traced" },
  spec: { containers: [{ name: "main", image: "pintle.local/host", command: ["sleep", "600"] }] },
};

for (const protocol of ["HTTP", "gRPC"] as const)
  describe(`a cluster that traces, by OTLP over ${protocol}`, function () {
    this.timeout(90_000);
    const collector = new TestCollector();
    let cluster: LocalCluster | undefined;

    after(async () => {
      await cluster?.stop();
      collector.stop();
    });

    it("shows a pod's way in one trace: request, store, scheduler, node, container", async () => {
      const endpoint = protocol === "HTTP" ? await collector.serveHttp() : await collector.serveGrpc();
      const replicas = protocol === "HTTP" ? 1 : 3;
      cluster = await startCluster({ replicas, nodes: 1, flags: [`--tracing-endpoint=${endpoint}`] });
      await cluster.kubectlWith(JSON.stringify(pod), "apply", "-f", "-");
      await cluster.kubectl("wait", "--for=condition=Ready", "pod/traced", "--timeout=60s");
      const create = () =>
        collector.spans.find(
          ({ name, attributes }) =>
            name === "Create etcd3" && attributes.key === "/registry/pods/default/traced",
        );
      const wanted = ["etcdserverpb.KV/Txn", "Scheduling", "syncPod", "RunPodSandbox", "StartContainer"];
      await eventually(
        "all spans of the pod have come",
        async () => new Set(ofTrace(create()).map(({ name }) => name)),
        (names) => wanted.every((name) => names.has(name)),
      );
      const trace = ofTrace(create());
      const byId = new Map(trace.map((span) => [span.spanId, span]));
      const wayTo = (span: CollectedSpan | undefined): readonly string[] =>
        span === undefined ? [] : [...wayTo(byId.get(span.parentId)), `${span.service} ${span.name}`];
      const way = (name: string, service: string) =>
        trace
          .filter((span) => span.name === name && span.service === service)
          .map((span) => wayTo(span).join(" > "));
      const request = "apiserver POST /api/v1/namespaces/{:namespace}/pods > apiserver Create";
      assert.ok(
        way("etcdserverpb.KV/Txn", "etcd").includes(
          `${request} > apiserver Create etcd3 > etcd etcdserverpb.KV/Txn`,
        ),
        way("etcdserverpb.KV/Txn", "etcd").join("\n"),
      );
      assert.deepEqual(way("Scheduling", "scheduler"), [`${request} > scheduler Scheduling`]);
      assert.ok(
        way("StartContainer", "kubelet").includes(`${request} > kubelet syncPod > kubelet StartContainer`),
        way("StartContainer", "kubelet").join("\n"),
      );
    });

    const ofTrace = (span: CollectedSpan | undefined): readonly CollectedSpan[] =>
      span === undefined ? [] : collector.spans.filter(({ traceId }) => traceId === span.traceId);
  });
