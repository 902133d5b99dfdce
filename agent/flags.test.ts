import { strict as assert } from "node:assert";
import { parseFlags } from "../base/os/flags.ts";
import { agentConfig, agentFlags } from "./flags.ts";

describe("the agent's flags", () => {
  const config = (...words: string[]) =>
    agentConfig(parseFlags(agentFlags, ["--kubeconfig=/k", "--node-name=n", ...words], { env: {} }).flags);

  it("let pods use the host's file system only where they say so", () => {
    assert.equal(config().allowHostImage, false);
    assert.equal(config("--allow-host-image").allowHostImage, true);
  });

  it("name servers of some domains, where the node answers DNS itself", () => {
    const { stubDomains } = config("--dns-stub-domains=corp.example=10.0.0.1");
    assert.deepEqual([...stubDomains], [["corp.example", [{ address: "10.0.0.1", port: 53 }]]]);
    assert.throws(
      () => config("--dns-stub-domains=corp.example"),
      /--dns-stub-domains: "corp.example" is not/,
    );
    assert.throws(
      () => config("--dns-stub-domains=a.example=10.0.0.1", "--cluster-dns=10.0.0.1"),
      /--dns-stub-domains: .* has no effect where --cluster-dns names other servers/,
    );
  });

  it("name the node's addresses for node ports, and those of load balancers that it may answer at", () => {
    assert.deepEqual([config().nodePortRanges, config().balancerPool], [[], []]);
    const named = config("--node-ip=10.0.0.1", "--nodeport-addresses=primary,192.0.2.0/24");
    assert.deepEqual(named.nodePortRanges, ["10.0.0.1/32", "192.0.2.0/24"]);
    assert.deepEqual(
      config("--service-load-balancer-pool=10.9.0.1-10.9.0.9").balancerPool.map(({ text }) => text),
      ["10.9.0.1-10.9.0.9"],
    );
    assert.throws(
      () => config("--nodeport-addresses=here", "--service-load-balancer-pool=10.9.0.9-10.9.0.1"),
      /^UsageError: --nodeport-addresses: "here" is neither .*\n--service-load-balancer-pool: "10.9.0.9-10.9.0.1" is not FIRST/,
    );
  });

  it("have a node answer for Ingresses at its own address of each family, or at those that are named", () => {
    const places = (...flags: readonly string[]) => {
      const { address = "", alsoAt = [] } = config(...flags).ingress ?? {};
      return [address, ...alsoAt];
    };
    assert.deepEqual(places("--node-ip=10.0.0.1"), ["10.0.0.1"]);
    assert.deepEqual(places("--node-ip=10.0.0.1,fd00::1"), ["10.0.0.1", "fd00::1"]);
    assert.deepEqual(places("--node-ip=10.0.0.1,fd00::1", "--ingress-address=10.0.0.2"), ["10.0.0.2"]);
    assert.deepEqual(places("--ingress-address=fd00::2,10.0.0.2"), ["fd00::2", "10.0.0.2"]);
    for (const wrong of ["10.0.0.1,10.0.0.2", "here", "10.0.0.1,fd00::1,fd00::2"])
      assert.throws(() => places(`--ingress-address=${wrong}`), /--ingress-address: .* one of each family/);
  });

  it("give pods whole seconds to end in as the node goes down, critical ones no more than all", () => {
    assert.deepEqual(config().shutdown, { seconds: 0, criticalSeconds: 0 });
    const period = "--shutdown-grace-period=30s";
    const critical = (text: string) => `--shutdown-grace-period-critical-pods=${text}`;
    assert.deepEqual(config(period, critical("10s")).shutdown, { seconds: 30, criticalSeconds: 10 });
    assert.throws(() => config(period, critical("31s")), /critical-pods: 31000 ms are more than all of/);
    assert.throws(() => config("--shutdown-grace-period=1500ms"), /1500 ms are not whole seconds/);
  });

  it("look at static pods' files in turn, where they name any", () => {
    assert.equal(config().manifests, undefined);
    assert.deepEqual(config("--pod-manifest-path=/etc/pods").manifests, {
      path: "/etc/pods",
      everyMs: 20_000,
    });
    assert.throws(() => config("--file-check-frequency=0s"), /--file-check-frequency: 0 must be positive/);
  });

  it("bound containers' logs, and pods' processes", () => {
    const kept = { bytesMost: 1024 ** 3, ageMsMost: 7 * 86_400_000, components: [], audit: [] };
    assert.deepEqual(config().logs, {
      logBytesMost: 10 * 1024 * 1024,
      filesMost: 5,
      kept,
      shipping: undefined,
    });
    assert.equal(config().podProcessesMost, undefined);
    const given = config(
      ...["--container-log-max-size=1Ki", "--container-log-max-files=2", "--pod-max-pids=100"],
      ...["--kept-logs-max-size=0", "--kept-logs-max-age=1h", "--component-logs=/a,/b", "--audit-logs=/c"],
      "--log-shipping=/s",
    );
    assert.deepEqual(given.logs, {
      logBytesMost: 1024,
      filesMost: 2,
      kept: { bytesMost: 0, ageMsMost: 3_600_000, components: ["/a", "/b"], audit: ["/c"] },
      shipping: "/s",
    });
    assert.equal(given.podProcessesMost, 100);
    for (const [word, why] of [
      [
        "--container-log-max-size=-1",
        /--container-log-max-size: "-1" is not a quantity of whole bytes above 0/,
      ],
      ["--container-log-max-size=much", /is not a quantity/],
      ["--kept-logs-max-size=-1", /--kept-logs-max-size: "-1" is not a quantity of whole bytes/],
      ["--container-log-max-files=1", /--container-log-max-files: 1 must be 2 to 1000/],
      ["--pod-max-pids=0", /--pod-max-pids: 0 must be positive, or -1/],
    ] as const)
      assert.throws(() => config(word), why);
  });

  it("say what connects pods, and what goes together", () => {
    assert.equal(config().cni, undefined);
    assert.equal(config().podNetworkBackend, "auto");
    assert.equal(config("--pod-network-backend=host-gw").podNetworkBackend, "host-gw");
    assert.deepEqual(config("--network-plugin=cni", "--cni-bin-dir=/a,/b", "--cni-conf-dir=/c").cni, {
      confDir: "/c",
      binDirs: ["/a", "/b"],
    });
    for (const [words, why] of [
      [["--network-plugin=kubenet"], /must be bridge or cni/],
      [["--network-plugin=cni", "--runtime=process"], /not plain processes/],
      [["--network-plugin=cni", "--cni-bin-dir=/a:/b"], /absolute path without colons/],
      [["--network-plugin=cni", "--cni-conf-dir=net.d"], /absolute path without colons/],
      [["--cni-conf-dir=/c"], /needs --network-plugin cni/],
      [["--network-plugin=cni", "--pod-network-backend=vxlan"], /the plugins' matter/],
      [["--pod-network-backend=ipip"], /must be auto, host-gw, vxlan, none/],
    ] as const)
      assert.throws(() => config(...words), why);
  });

  it("are told as kubelets have them, of memory, images and what holds pods, too", () => {
    const { kubelet } = config(
      "--memory-manager-policy=Static",
      "--reserved-memory=0:memory=1Gi;1:memory=100Mi",
    );
    const told = kubelet as Readonly<Record<string, unknown>>;
    assert.deepEqual([told.memoryManagerPolicy, told.nodeStatusMaxImages], ["Static", 50]);
    assert.deepEqual(told.enforceNodeAllocatable, ["pods"]);
    assert.deepEqual(told.reservedMemory, [
      { numaNode: 0, limits: { memory: "1Gi" } },
      { numaNode: 1, limits: { memory: "100Mi" } },
    ]);
  });

  it("say which CPUs are containers' own, by the kubelet's names", () => {
    const { cpus, reserved } = config(
      "--cpu-manager-policy=static",
      "--cpu-manager-policy-options=full-pcpus-only=true,strict-cpu-reservation=false",
      "--reserved-cpus=0-1,8",
      "--system-reserved=cpu=1",
      "--topology-manager-policy=restricted",
      "--topology-manager-scope=pod",
    );
    assert.deepEqual(cpus, {
      isStatic: true,
      fullCoresOnly: true,
      keepsReservedFree: false,
      reserved: new Set([0, 1, 8]),
      topologyPolicy: "restricted",
      topologyScope: "pod",
    });
    assert.equal(reserved.cpuMillis, 3000);
    assert.equal(config("--system-reserved=cpu=1").reserved.cpuMillis, 1000);
    for (const [words, problem] of [
      [["--cpu-manager-policy=dynamic"], "must be none or static"],
      [
        ["--cpu-manager-policy=static", "--cpu-manager-policy-options=align-by-socket=true"],
        "must be one of",
      ],
      [
        ["--cpu-manager-policy-options=full-pcpus-only=true"],
        "has no effect without --cpu-manager-policy=static",
      ],
      [["--reserved-cpus=3-1"], "is no list of CPUs"],
      [["--reserved-cpus="], "is no list of CPUs"],
      [["--topology-manager-policy=near"], "must be one of none, best-effort, restricted, single-numa-node"],
      [["--topology-manager-scope=node"], "must be container or pod"],
    ] as const)
      assert.throws(() => config(...words), new RegExp(`^UsageError: --.*${problem}`), words.join());
  });
});
