import assert from "node:assert/strict";
import { createLog } from "../../../base/os/log.ts";
import { TaskScope } from "../../../base/os/task-scope.ts";
import { clusterPolicyGroup } from "../../../client/cluster-policies.ts";
import { ManualClock } from "../../../client/testing/manual-clock.ts";
import { ipFamilies } from "../ip-family.ts";
import type { LiveRuleset } from "../live-ruleset.ts";
import { FixedInformers } from "../testing/fixed-informers.ts";
import { NetworkPolicies } from "./network-policies.ts";
import { asClusterPolicy } from "./testing/tier-worlds.ts";

/** Without a kernel: what a pod waits for before it is connected. */
describe("a pod that policies may be for", () => {
  const log = createLog({ write: () => undefined });
  let tasks: TaskScope;
  beforeEach(() => {
    tasks = new TaskScope(log);
  });
  afterEach(() => tasks.stop());

  const start = (clock: ManualClock) => {
    const informers = new FixedInformers();
    const told: string[] = [];
    const openApplier = (family: 4 | 6) => (ruleset: LiveRuleset) => ({
      async flush() {
        told.push(
          `${family} ${Object.keys(ruleset.whole().chains).some((name) => name.startsWith("ingress"))}`,
        );
      },
      remove: async () => undefined,
    });
    const policies = new NetworkPolicies(
      {
        nodeName: "n1",
        families: ([4, 6] as const).map((version) => ({
          family: ipFamilies[version],
          openApplier: openApplier(version),
          forgetFlows: async (address) => void told.push(`forget ${address}`),
        })),
      },
      { informers: informers.asFactory(), events: { record: () => undefined }, clock, log, tasks },
    );
    const object = { namespace: "new", name: "p", uid: "p", labels: {} };
    informers.set("pods", [{ metadata: object, spec: { nodeName: "n1", containers: [] } }]);
    informers.set("customresourcedefinitions", [
      {
        metadata: { name: `clusternetworkpolicies.${clusterPolicyGroup}`, uid: "d" },
        spec: { versions: [{ name: "v1alpha2", served: true }] },
        status: { conditions: [{ type: "Established", status: "True" }] },
      },
    ]);
    const subject = { namespaces: { matchLabels: { closed: "yes" } } };
    const ingress = [{ action: "Deny", from: [{ namespaces: {} }] }];
    informers.set("clusternetworkpolicies", [
      asClusterPolicy("ClusterNetworkPolicy", "p", { tier: "Admin", priority: 1, subject, ingress }),
    ]);
    const pod = { ...object, sandboxId: "s", netnsPath: "/n", hostPorts: [] };
    return { informers, policies, told, pod };
  };
  const addresses = { podIp: "10.198.1.2", secondIp: "fd00:198::2" };

  it("of a namespace that is not known yet is connected once it is, and its rules are there, in both families", async () => {
    const { informers, policies, told, pod } = start(new ManualClock());
    let isIn = false;
    const admitted = policies.admit(pod, addresses).then(() => {
      isIn = true;
    });
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(isIn, false);
    informers.set("namespaces", [{ metadata: { name: "new", labels: { closed: "yes" } } }]);
    await admitted;
    for (const line of ["4 true", "6 true", "forget 10.198.1.2", "forget fd00:198::2"])
      assert.ok(told.includes(line), line);
  });

  it("is not connected where the namespace stays unknown, and says so", async () => {
    const clock = new ManualClock();
    const { policies, pod } = start(clock);
    const admitted = policies.admit(pod, addresses);
    const failed = assert.rejects(admitted, /its network policies cannot be put in place/);
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
    await clock.advance(20_000);
    await failed;
  });
});
