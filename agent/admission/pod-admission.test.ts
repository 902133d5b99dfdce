import { strict as assert } from "node:assert";
import type { Pod, PodSpec } from "../../client/types.ts";
import type { PressureCondition } from "../eviction/signals.ts";
import type { NodeRoom } from "./fits-node.ts";
import { PodAdmission } from "./pod-admission.ts";

const node: NodeRoom = {
  name: "n1",
  labels: { disk: "ssd" },
  taints: [{ key: "gone", effect: "NoExecute" }],
  allocatable: { cpu: 2000, memory: 1024 ** 3, pods: 3 },
};
const rules = {
  allowedUnsafeSysctls: [],
  supplementalGroups: true,
  appArmor: false,
  isShuttingDown: () => false,
};
const tolerations = [{ operator: "Exists" }];
const pod = (uid: string, spec: Partial<PodSpec>): Pod =>
  ({
    metadata: { name: uid, namespace: "default", uid },
    spec: { containers: [{ name: "c", image: "i" }], nodeName: "n1", tolerations, ...spec },
  }) as Pod;
const asking = (cpu: string, memory = "0") => [
  { name: "c", image: "i", resources: { requests: { cpu, memory } } },
];
const sysctls = (...names: string[]) => ({
  securityContext: { sysctls: names.map((name) => ({ name, value: "1" })) },
});

describe("PodAdmission", () => {
  const short = (...conditions: readonly PressureCondition[]) =>
    new PodAdmission(
      rules,
      async () => node,
      () => conditions,
    );
  const fresh = (allowedUnsafeSysctls: readonly string[] = [], supplementalGroups = true) =>
    new PodAdmission({ ...rules, allowedUnsafeSysctls, supplementalGroups }, async () => node);
  const told = async (admission: PodAdmission, one: Pod) => {
    const rejection = await admission.admit(one);
    return rejection && `${rejection.reason}: ${rejection.message}`;
  };

  it("refuses sysctls that are unsafe, malformed or not a pod's own, with SysctlForbidden", async () => {
    const cases: readonly (readonly [Partial<PodSpec>, string | undefined])[] = [
      [sysctls("net.ipv4.ip_local_port_range", "kernel.shm_rmid_forced"), undefined],
      [sysctls("net/ipv4/tcp_syncookies"), undefined],
      [sysctls("kernel.core_pattern"), '"kernel.core_pattern" not allowlisted'],
      [sysctls("net.ipv4.ip_forward"), '"net.ipv4.ip_forward" not allowlisted'],
      [
        sysctls("net.ipv4.ip_local_port_range\nkernel.x"),
        '"net.ipv4.ip_local_port_range\\nkernel.x" not allowlisted',
      ],
      [sysctls("../kernel/core_pattern"), '"../kernel/core_pattern" not allowlisted'],
      [
        { ...sysctls("net.ipv4.tcp_syncookies"), hostNetwork: true },
        '"net.ipv4.tcp_syncookies" not allowed with host Net enabled',
      ],
      [
        { ...sysctls("kernel.shm_rmid_forced"), hostIPC: true },
        '"kernel.shm_rmid_forced" not allowed with host IPC enabled',
      ],
    ];
    for (const [spec, message] of cases)
      assert.equal(
        await told(fresh(), pod("p", spec)),
        message && `SysctlForbidden: forbidden sysctl: ${message}`,
      );
    const allowing = fresh(["net.core.*", "kernel.*"]);
    assert.equal(await told(allowing, pod("a", sysctls("net.core.somaxconn", "kernel.msgmax"))), undefined);
    assert.match((await told(allowing, pod("b", sysctls("kernel.core_pattern")))) ?? "", /not allowlisted/);
  });

  it("refuses what exceeds the node's room, counting what it took, and gives room back", async () => {
    const admission = fresh();
    assert.equal(await told(admission, pod("a", { containers: asking("1500m", "512Mi") })), undefined);
    assert.equal(
      await told(admission, pod("b", { containers: asking("600m") })),
      "OutOfcpu: Node didn't have enough resource: cpu, requested: 600, used: 1500, capacity: 2000",
    );
    assert.equal(
      await told(admission, pod("c", { containers: asking("0", "1Gi") })),
      "OutOfmemory: Node didn't have enough resource: memory, requested: 1073741824, used: 536870912, capacity: 1073741824",
    );
    admission.forget("a");
    assert.equal(await told(admission, pod("b", { containers: asking("600m") })), undefined);
    for (const uid of ["x", "y"]) assert.equal(await told(admission, pod(uid, {})), undefined);
    assert.equal(
      await told(admission, pod("z", {})),
      "OutOfpods: Node didn't have enough resource: pods, requested: 1, used: 3, capacity: 3",
    );
  });

  it("lets a pod have other resources where there is room, and counts what it was granted", async () => {
    const admission = fresh();
    const told = async (one: Pod) => (await admission.resize(one))?.reason;
    await admission.admit(pod("a", { containers: asking("1000m") }));
    await admission.admit(pod("b", { containers: asking("500m") }));
    assert.equal(await told(pod("a", { containers: asking("1600m") })), "OutOfcpu");
    assert.equal(await told(pod("a", { containers: asking("1500m") })), undefined);
    assert.equal(await told(pod("b", { containers: asking("600m") })), "OutOfcpu");
    const had = { containerStatuses: [{ name: "c", resources: { requests: { cpu: "1500m" } } }] };
    const shrunk = { ...pod("a", { containers: asking("100m") }), status: had } as never;
    assert.equal(await told(shrunk), undefined);
    assert.equal(await told(pod("b", { containers: asking("1900m") })), undefined);
  });

  it("counts requests of the node's disk", async () => {
    const room = { ...node, allocatable: { ...node.allocatable, "ephemeral-storage": 10 * 1024 ** 2 } };
    const admission = new PodAdmission(rules, async () => room);
    const wanting = (amount: string) => ({
      containers: [{ name: "c", image: "i", resources: { requests: { "ephemeral-storage": amount } } }],
    });
    assert.equal(await told(admission, pod("a", wanting("6Mi"))), undefined);
    assert.equal(
      await told(admission, pod("b", wanting("5Mi"))),
      "OutOfephemeral-storage: Node didn't have enough resource: ephemeral-storage, requested: 5242880, used: 6291456, capacity: 10485760",
    );
  });

  it("lets no two pods that come together have the last of the room", async () => {
    const admission = fresh();
    const both = await Promise.all(
      ["a", "b"].map((uid) => admission.admit(pod(uid, { containers: asking("1500m") }))),
    );
    assert.deepEqual(
      both.map((one) => one?.reason),
      [undefined, "OutOfcpu"],
    );
  });

  it("refuses what does not belong here by selector, ports and taints", async () => {
    const admission = fresh();
    const withPort = { containers: [{ name: "c", ports: [{ containerPort: 80, hostPort: 80 }] }] };
    assert.equal(await told(admission, pod("a", withPort)), undefined);
    const refusals: readonly (readonly [Partial<PodSpec>, string])[] = [
      [
        { nodeSelector: { disk: "tape" } },
        "NodeAffinity: Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector",
      ],
      [
        withPort,
        "NodePorts: Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports",
      ],
      [
        { tolerations: [] },
        "TaintToleration: Predicate TaintToleration failed: node(s) had taints that the pod didn't tolerate",
      ],
    ];
    for (const [spec, message] of refusals) assert.equal(await told(admission, pod("b", spec)), message);
    assert.equal(await told(admission, pod("b", { nodeSelector: { disk: "ssd" } })), undefined);
  });

  it("refuses AppArmor profiles by name where the host cannot enforce them", async () => {
    const spec = { securityContext: { appArmorProfile: { type: "RuntimeDefault" } } };
    assert.equal(
      await told(fresh(), pod("a", spec)),
      "AppArmor: Cannot enforce AppArmor: AppArmor is not enabled on the host",
    );
    const free = { securityContext: { appArmorProfile: { type: "Unconfined" } } };
    assert.equal(await told(fresh(), pod("b", free)), undefined);
  });

  it("refuses pods of another operating system, by their field or their label", async () => {
    assert.equal(
      await told(fresh(), pod("a", { os: { name: "windows" } })),
      "PodOSNotSupported: Failed to admit pod as the OS field doesn't match node OS",
    );
    const labelled = (os: string) => {
      const one = pod("b", {});
      return { ...one, metadata: { ...one.metadata, labels: { "kubernetes.io/os": os } } };
    };
    assert.equal(
      await told(fresh(), labelled("windows")),
      "PodOSSelectorNodeLabelDoesNotMatch: Failed to admit pod as the `kubernetes.io/os` label doesn't match node label",
    );
    assert.equal(await told(fresh(), labelled("linux")), undefined);
    assert.equal(await told(fresh(), pod("c", { os: { name: "linux" } })), undefined);
  });

  it("refuses huge pages of which the node has none, and leaves the cluster's own resources to others", async () => {
    const asking = (name: string) => [{ name: "c", image: "i", resources: { requests: { [name]: "2Mi" } } }];
    assert.equal(
      await told(fresh(), pod("a", { containers: asking("hugepages-2Mi") })),
      "OutOfhugepages-2Mi: Node didn't have enough resource: hugepages-2Mi, requested: 2097152, used: 0, capacity: 0",
    );
    assert.equal(await told(fresh(), pod("a", { containers: asking("example.com/licence") })), undefined);
  });

  it("refuses supplementalGroupsPolicy Strict where containers cannot be put into groups", async () => {
    const policy = (supplementalGroupsPolicy: string) => ({ securityContext: { supplementalGroupsPolicy } });
    assert.equal(
      await told(fresh([], false), pod("a", policy("Strict"))),
      "SupplementalGroupsPolicyNotSupported: SupplementalGroupsPolicy=Strict is not supported in this node",
    );
    assert.equal(await told(fresh([], false), pod("a", policy("Merge"))), undefined);
    assert.equal(await told(fresh(), pod("a", policy("Strict"))), undefined);
  });

  it("refuses pods while the node is short of something: of memory alone, only those that ask for nothing", async () => {
    const untolerating = { tolerations: [{ key: "gone", operator: "Exists" }] };
    const tolerating = { tolerations: [{ operator: "Exists" }] };
    const burstable = { ...untolerating, containers: asking("1m") };
    const critical = { ...untolerating, priority: 2_000_000_000 };
    const cases: readonly (readonly [readonly PressureCondition[], Partial<PodSpec>, string?])[] = [
      [[], untolerating],
      [["MemoryPressure"], untolerating, "MemoryPressure"],
      [["MemoryPressure"], tolerating],
      [["MemoryPressure"], burstable],
      [["MemoryPressure"], critical],
      [["DiskPressure"], tolerating, "DiskPressure"],
      [["PIDPressure"], burstable, "PIDPressure"],
      [["MemoryPressure", "DiskPressure"], burstable, "MemoryPressure DiskPressure"],
      [["DiskPressure"], critical],
    ];
    for (const [conditions, spec, named] of cases)
      assert.equal(
        await told(short(...conditions), pod("p", spec)),
        named && `Evicted: The node had condition: [${named}]. `,
        JSON.stringify([conditions, spec]),
      );
    const mirror = pod("m", untolerating);
    const annotations = { "kubernetes.io/config.mirror": "x" };
    assert.equal(
      await told(short("DiskPressure"), { ...mirror, metadata: { ...mirror.metadata, annotations } }),
      undefined,
    );
  });

  it("refuses all that is new once the node is going down", async () => {
    const admission = new PodAdmission({ ...rules, isShuttingDown: () => true }, async () => node);
    const wanted = "NodeShutdown: Pod was rejected as the node is shutting down.";
    assert.equal(await told(admission, pod("a", {})), wanted);
    const running = pod("b", {});
    admission.take(running);
    assert.equal(await told(admission, running), undefined);
  });

  it("does not ask a pod that runs already", async () => {
    const admission = fresh();
    const running = pod("a", { containers: asking("9") });
    admission.take(running);
    assert.equal(await told(admission, running), undefined);
  });

  it("refuses pods whose containers cannot have the CPUs that they ask for themselves", async () => {
    const forgotten: string[] = [];
    const rejection = { reason: "TopologyAffinityError", message: "not here" };
    const cpus = {
      admit: async ({ metadata }: Pod) => (metadata.name === "far" ? rejection : undefined),
      amounts: () => ({}),
      forget: (uid: string) => void forgotten.push(uid),
    };
    const admission = new PodAdmission(
      rules,
      async () => node,
      () => [],
      cpus,
    );
    assert.equal(
      await told(admission, pod("far", { containers: asking("2") })),
      "TopologyAffinityError: not here",
    );
    // It holds no room.
    assert.equal(await told(admission, pod("near", { containers: asking("2") })), undefined);
    admission.forget("near");
    assert.deepEqual(forgotten, ["near"]);
  });
});
