import { systemDisk } from "../../../base/os/disk.ts";
import { silentLog } from "../../../base/os/log.ts";
import { MetricsRegistry } from "../../../base/os/metrics.ts";
import { Prng } from "../../../base/os/random.ts";
import { resources } from "../../../client/resources.ts";
import { FakeApi } from "../../../client/testing/fake-api.ts";
import { ManualClock } from "../../../client/testing/manual-clock.ts";
import type { Pod, ResourceClaim } from "../../../client/types.ts";
import { runScheduler } from "../scheduler.ts";
import { insideConfig } from "./test-profile.ts";

/** A selector of one node. */
export const local = (node: string) => ({
  nodeSelectorTerms: [{ matchFields: [{ key: "metadata.name", operator: "In", values: [node] }] }],
});

/** A scheduler over two nodes; what devices there are is the test's to say. */
export async function deviceCluster() {
  const api = new FakeApi();
  const time = new ManualClock();
  for (const name of ["n1", "n2"])
    await api.create(resources.nodes, {
      metadata: { name, labels: {} },
      spec: {},
      status: { allocatable: { cpu: "4", memory: "8Gi", pods: "110" } },
    });
  const os = {
    clock: time,
    random: new Prng(1),
    disk: systemDisk,
    log: silentLog,
    metrics: new MetricsRegistry(),
  };
  const scheduler = runScheduler(insideConfig, api, os);
  await time.advance(100);
  const claimNamed = (name: string) =>
    api.all(resources.resourceclaims).find(({ metadata }) => metadata.name === name);
  const podNamed = (name: string) => api.all(resources.pods).find(({ metadata }) => metadata.name === name);
  return {
    api,
    time,
    scheduler,
    metrics: os.metrics,
    addClaim: (claim: ResourceClaim) => api.create(resources.resourceclaims, claim),
    addPod: (
      name: string,
      claims: readonly string[],
      more: Partial<Pod["spec"]> = {},
      status: Pod["status"] = {},
    ) =>
      api.create(resources.pods, {
        metadata: { name, namespace: "n", uid: `uid-${name}` },
        spec: {
          containers: [{ name: "c" }],
          resourceClaims: claims.map((one) => ({ name: one, resourceClaimName: one })),
          ...more,
        },
        status,
      } as never),
    claimNamed,
    podNamed,
    nodeOf: (name: string) => podNamed(name)?.spec.nodeName,
    why: (name: string) =>
      podNamed(name)?.status?.conditions?.find(({ type }) => type === "PodScheduled")?.message ?? "",
    devicesOf: (name: string) =>
      (claimNamed(name)?.status?.allocation?.devices?.results ?? []).map(({ device }) => device),
    usersOf: (name: string) => (claimNamed(name)?.status?.reservedFor ?? []).map((one) => one.name),
  };
}
