import assert from "node:assert/strict";
import type { Pod } from "../../client/types.ts";
import { type EvictionReason, evictionWords } from "./eviction-message.ts";
import { readThresholds } from "./thresholds.ts";

const mi = 2 ** 20;
const pod = (containers: object[], more: object = {}): Pod =>
  ({
    metadata: { name: "p", namespace: "default", uid: "u" },
    spec: { containers, ...more },
  }) as unknown as Pod;
const asking = (name: string, requests: object) => ({ name, resources: { requests } });
const met = (text: string, available: number, capacity: number): EvictionReason["met"] => {
  const texts = { hard: [text], soft: [], softGracePeriod: [], minimumReclaim: [] };
  const [threshold] = readThresholds(texts, () => assert.fail());
  assert.ok(threshold);
  return { threshold, observed: { available, capacity } };
};

describe("agent/eviction/eviction-message", () => {
  it("names the resource, the threshold, and the containers above their requests, as the kubelet does", () => {
    const words = evictionWords(
      pod([asking("web", { memory: "0.1Gi" }), asking("log", { memory: "1Gi" }), { name: "side" }], {
        initContainers: [{ name: "sidecar", restartPolicy: "Always" }],
      }),
      {
        resource: "memory",
        met: met("memory.available<100Mi", 90 * mi, 1024 * mi),
        usedBytes: new Map([
          ["web", 512 * mi],
          ["log", 512 * mi],
          ["side", 1000],
          ["sidecar", 4096],
          ["debugger", 900 * mi],
        ]),
        podMemoryBytes: 2000 * mi,
      },
    );
    assert.equal(
      words.message,
      "The node was low on resource: memory. Threshold quantity: 100Mi, available: 90Mi. " +
        "Container web was using 512Mi, request is 107374182400m, has larger consumption of memory. " +
        "Container side was using 1k, request is 0, has larger consumption of memory. " +
        "Container sidecar was using 4Ki, request is 0, has larger consumption of memory. ",
    );
    assert.deepEqual(words.annotations, {
      offending_containers: "web,side,sidecar",
      offending_containers_usage: "512Mi,1k,4Ki",
      starved_resource: "memory",
    });
  });

  it("names the pod where it asks for memory as a whole", () => {
    const whole = pod([{ name: "c" }], { resources: { requests: { memory: "64Mi" } } });
    const words = evictionWords(whole, {
      resource: "memory",
      usedBytes: new Map(),
      podMemoryBytes: 128 * mi,
    });
    assert.equal(
      words.message,
      "The node was low on resource: memory. Pod p was using 128Mi, request is 64Mi, has larger consumption of memory. ",
    );
    assert.equal(words.annotations.offending_pod_usage, "128Mi");
  });

  it("counts pieces where pieces are short, and blames no container for them", () => {
    const usedBytes = new Map([["c", 10_000]]);
    assert.equal(
      evictionWords(pod([{ name: "c" }]), {
        resource: "inodes",
        met: met("nodefs.inodesFree<500", 12, 1000),
        usedBytes,
      }).message,
      "The node was low on resource: inodes. Threshold quantity: 500, available: 12. ",
    );
    assert.equal(
      evictionWords(pod([{ name: "c" }]), {
        resource: "pids",
        met: met("pid.available<5%", 1000, 32_768),
        usedBytes,
      }).message,
      "The node was low on resource: pids. Threshold quantity: 1638, available: 1k. ",
    );
  });
});
