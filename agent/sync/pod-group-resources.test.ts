import { strict as assert } from "node:assert";
import type { Container, Pod } from "../../client/types.ts";
import { resourcesOf } from "./container-config.ts";
import { podGroupResources } from "./pod-group-resources.ts";

const Mi = 1024 * 1024;
type Amounts = Record<string, string>;
const container = (requests?: Amounts, limits?: Amounts, more: Partial<Container> = {}): Container => ({
  name: "c",
  resources: { ...(requests && { requests }), ...(limits && { limits }) },
  ...more,
});
const pod = (containers: Container[], more: Partial<Pod["spec"]> = {}) =>
  ({ metadata: {}, spec: { containers, ...more } }) as Pod;
const held = (...args: Parameters<typeof pod>) => {
  const { cpuShares, cpuQuotaUs, memoryBytesMost } = podGroupResources(pod(...args));
  return [cpuShares, cpuQuotaUs, memoryBytesMost / Mi];
};

describe("the group of a pod is held", () => {
  const one = container({ cpu: "250m", memory: "64Mi" }, { cpu: "500m", memory: "128Mi" });

  it("to the sum of its containers, where each has a limit", () => {
    assert.deepEqual(held([one, one]), [512, 100_000, 256]);
    assert.deepEqual(held([one, container({ cpu: "1" }, { memory: "1Mi" })]), [1280, 0, 129]);
    assert.deepEqual(held([container()]), [2, 0, 0]);
  });

  it("to the huge pages that it asks for, a container to its own or else to the pod's as a whole", () => {
    const pages = (text: string) => ({ "hugepages-2Mi": text });
    const two = container(pages("4Mi"), pages("4Mi"));
    assert.deepEqual(podGroupResources(pod([two, two])).hugePages, [
      { pageBytes: 2 * Mi, bytesMost: 8 * Mi },
    ]);
    assert.equal(podGroupResources(pod([container({ cpu: "1" })])).hugePages, undefined);
    const resources = { requests: pages("8Mi"), limits: pages("8Mi") };
    const of = (one: Container) => resourcesOf(pod([one], { resources }), one, 1e9).hugePages?.[0]?.bytesMost;
    assert.deepEqual([of(two), of(container())], [4 * Mi, 8 * Mi]);
  });

  it("to what the neediest of its init containers takes, with the sidecars before it", () => {
    const sidecar = { ...one, restartPolicy: "Always" };
    const init = container({ cpu: "2" }, { cpu: "3", memory: "1Gi" });
    assert.deepEqual(held([one], { initContainers: [sidecar, init] }), [2304, 350_000, 1152]);
  });

  it("to what the pod may take as a whole, overhead beside", () => {
    const resources = { requests: { cpu: "2", memory: "1Gi" }, limits: { cpu: "2", memory: "1Gi" } };
    assert.deepEqual(held([one, container()], { resources }), [2048, 200_000, 1024]);
    const overhead = { cpu: "500m", memory: "24Mi" };
    assert.deepEqual(held([container()], { resources, overhead }), [2560, 250_000, 1048]);
    assert.deepEqual(held([container()], { resources: { limits: { memory: "64Mi" } } }), [2, 0, 64]);
  });
});

describe("a container of a pod with resources as a whole", () => {
  const resources = { requests: { cpu: "1", memory: "512Mi" }, limits: { cpu: "1", memory: "512Mi" } };

  it("is held to the pod's limits where it has none", () => {
    const whole = pod([container(), container({ cpu: "100m" }, { memory: "64Mi" })], { resources });
    const [first, second] = whole.spec.containers.map((each) => resourcesOf(whole, each, 1024 * Mi));
    assert.deepEqual(
      [first?.cpuQuotaUs, first?.memoryBytesMost, first?.cpuShares],
      [100_000, 512 * Mi, 1024],
    );
    assert.deepEqual(
      [second?.cpuQuotaUs, second?.memoryBytesMost, second?.cpuShares],
      [100_000, 64 * Mi, 102],
    );
    assert.equal(first?.oomScoreAdj, -997);
  });

  it("is spared by the kernel for its share of what the pod requests", () => {
    const whole = pod([container({ memory: "128Mi" }), container()], {
      resources: { requests: { memory: "384Mi" } },
    });
    const scores = whole.spec.containers.map((each) => resourcesOf(whole, each, 1024 * Mi).oomScoreAdj);
    assert.deepEqual(scores, [750, 875]);
  });
});
