import { strict as assert } from "node:assert";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemDisk } from "../../../base/os/disk.ts";
import { createLog } from "../../../base/os/log.ts";
import type { HostPort, PodAttachment } from "../../network-seam.ts";
import { CniNetwork } from "./cni-network.ts";
import { CniPods } from "./cni-pods.ts";
import { networkTrouble } from "./network-trouble.ts";
import { runPlugin } from "./run-plugin.ts";
import { RecordingPlugins } from "./testing/recording-plugin.ts";

const given = (address: string, gateway = "10.1.0.1") => ({
  cniVersion: "1.1.0",
  interfaces: [{ name: "cni0" }, { name: "eth0", sandbox: "/proc/self/ns/net" }],
  ips: [{ address: `${address}/24`, gateway, interface: 1 }],
});

describe("pods on a network of CNI plugins", function () {
  this.timeout(60_000);
  let dir: string;
  let plugins: RecordingPlugins;
  const ported: string[] = [];

  beforeEach(function () {
    if (!RecordingPlugins.canRun) this.skip();
    dir = mkdtempSync(join(tmpdir(), "pintle-cni-"));
    mkdirSync(join(dir, "net.d"));
    plugins = new RecordingPlugins(dir, ["first", "second"]);
    plugins.answer("first", "ADD", given("10.1.0.7"));
    plugins.answer("second", "ADD", { ...given("10.1.0.7"), dns: {} });
    ported.length = 0;
  });
  afterEach(() => dir && rmSync(dir, { recursive: true, force: true }));

  const places = () => ({ confDir: join(dir, "net.d"), binDirs: ["/nowhere", plugins.binDir] });
  const open = () =>
    CniPods.open(join(dir, "state"), {
      network: new CniNetwork(places()),
      hostPorts: {
        set: async (_, podIp, ports) =>
          void ported.push(...ports.map(({ hostPort }) => `${podIp} ${hostPort}`)),
        remove: async () => undefined,
        restored: async () => void ported.push("restored"),
      },
      podCidrs: async () => ["10.1.0.0/24", "fd00::/64"],
      nodeIp: "192.0.2.1",
      os: { disk: systemDisk, log: createLog({ level: "error", format: "text", write: () => undefined }) },
    });
  const install = (network: object, file = "10-net.conflist") =>
    writeFileSync(join(dir, "net.d", file), JSON.stringify({ cniVersion: "1.1.0", name: "net", ...network }));
  const both = { plugins: [{ type: "first", bridge: "b0" }, { type: "second" }] };
  const pod = (sandboxId: string, more: Partial<PodAttachment> = {}): PodAttachment => ({
    namespace: "ns",
    name: `pod-${sandboxId}`,
    uid: `uid-${sandboxId}`,
    sandboxId,
    netnsPath: "/proc/self/ns/net",
    hostPorts: [],
    ...more,
  });
  const known = (sandboxId: string) => ({ ...pod(sandboxId), podIp: "10.1.0.7", gateway: "" });

  it("waits for a configuration, says so as container runtimes do, and takes it up", async () => {
    const pods = await open();
    const trouble = networkTrouble(places());
    assert.equal(
      await trouble(),
      "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: cni config uninitialized",
    );
    await assert.rejects(pods.attach(pod("a")), (error: Error) => {
      assert.match(String(error.cause ?? error), /network is not ready: cni config uninitialized/);
      return true;
    });
    install({ plugins: [{ type: "first" }, { type: "not-yet" }] });
    assert.match((await trouble()) ?? "", /failed to find plugin "not-yet" in path \[\/nowhere .*\/bin\]/);
    install(both);
    assert.equal(await trouble(), undefined);
    assert.equal((await pods.attach(pod("a"))).podIp, "10.1.0.7");
  });

  it("runs the plugins one after the other, and tells them what the specification says and no more", async () => {
    install(both);
    process.env.PINTLE_SECRET_OF_THE_AGENT = "x";
    const pods = await open();
    assert.deepEqual(await pods.attach(pod("a")), { podIp: "10.1.0.7", gateway: "10.1.0.1" });
    delete process.env.PINTLE_SECRET_OF_THE_AGENT;
    const [first, second, ...others] = plugins.asked();
    assert.deepEqual(
      others.map(({ plugin, environment }) => `${plugin} ${environment.CNI_COMMAND}`),
      ["first CHECK", "second CHECK"],
    );
    const { PATH, ...environment } = first?.environment ?? {};
    assert.ok(PATH);
    assert.deepEqual(environment, {
      CNI_COMMAND: "ADD",
      CNI_CONTAINERID: "a",
      CNI_NETNS: "/proc/self/ns/net",
      CNI_IFNAME: "eth0",
      CNI_PATH: `/nowhere:${plugins.binDir}`,
      CNI_ARGS:
        "IgnoreUnknown=1;K8S_POD_NAMESPACE=ns;K8S_POD_NAME=pod-a;K8S_POD_INFRA_CONTAINER_ID=a;K8S_POD_UID=uid-a",
    });
    assert.deepEqual(first?.input, { type: "first", bridge: "b0", name: "net", cniVersion: "1.1.0" });
    assert.equal(second?.plugin, "second");
    assert.deepEqual(second?.input.prevResult, given("10.1.0.7"));
    assert.deepEqual(await pods.attach(pod("a")), { podIp: "10.1.0.7", gateway: "10.1.0.1" });
    assert.deepEqual(plugins.commands(), [], "once connected, nobody is asked again");
    assert.ok(pods.hasAddress("10.1.0.7"));
    assert.ok(!pods.hasAddress("10.1.0.8"));
  });

  it("tells plugins what they ask to be told, by capability", async () => {
    install({
      plugins: [
        { type: "first", capabilities: { ipRanges: true, dns: true } },
        { type: "second", capabilities: { portMappings: true, bandwidth: true, ipRanges: false } },
      ],
    });
    const hostPorts: HostPort[] = [
      { protocol: "UDP", hostPort: 5353, containerPort: 53, hostIp: "192.0.2.1" },
    ];
    const dns = { servers: ["10.96.0.10"], searches: ["ns.svc.cluster.local"], options: ["ndots:5"] };
    await (await open()).attach(pod("a", { hostPorts, dns, bandwidth: { ingress: "10M", egress: "1M" } }));
    const [first, second] = plugins.asked();
    assert.deepEqual(first?.input.runtimeConfig, {
      ipRanges: [[{ subnet: "10.1.0.0/24" }], [{ subnet: "fd00::/64" }]],
      dns,
    });
    const burst = 4_294_967_295;
    assert.deepEqual(second?.input.runtimeConfig, {
      portMappings: [{ hostPort: 5353, containerPort: 53, protocol: "udp", hostIP: "192.0.2.1" }],
      bandwidth: { ingressRate: 10_000_000, ingressBurst: burst, egressRate: 1_000_000, egressBurst: burst },
    });
    assert.deepEqual(ported, [], "the plugin maps them");
    for (const ingress of ["fast", "1", "2P"])
      await assert.rejects((await open()).attach(pod("b", { bandwidth: { ingress } })), /ingress-bandwidth/);
  });

  it("maps ports itself where no plugin does", async () => {
    install(both);
    const hostPorts: HostPort[] = [{ protocol: "TCP", hostPort: 8080, containerPort: 80 }];
    await (await open()).attach(pod("a", { hostPorts }));
    assert.deepEqual(ported, ["10.1.0.7 8080"]);
  });

  it("undoes what was made when a plugin fails, and tells what it said", async () => {
    install(both);
    plugins.answer(
      "second",
      "ADD",
      { cniVersion: "1.1.0", code: 11, msg: "no\nroom", details: "all taken" },
      1,
    );
    const pods = await open();
    await assert.rejects(pods.attach(pod("a")), (error: Error) => {
      assert.match(String(error.cause), /plugin second \(ADD\): no room; all taken/);
      return true;
    });
    assert.deepEqual(plugins.commands(), ["first ADD", "second ADD", "second DEL", "first DEL"]);
    await pods.detach({ sandboxId: "a" });
    assert.deepEqual(plugins.commands(), []);
    assert.deepEqual(readdirSync(join(dir, "state", "cni")), []);
  });

  it("undoes by what it was made with, whatever became of the configuration and the agent since", async () => {
    install({ ...both, plugins: [{ type: "first", capabilities: { dns: true } }, { type: "second" }] });
    const dns = { servers: ["10.96.0.10"], searches: [], options: [] };
    await (await open()).attach(pod("a", { dns }));
    plugins.asked();
    rmSync(join(dir, "net.d", "10-net.conflist"));
    await (await open()).detach({ sandboxId: "a" });
    const [second, first, ...others] = plugins.asked();
    assert.equal(others.length, 0);
    assert.equal(`${second?.plugin} ${first?.plugin}`, "second first");
    for (const { environment, input } of [second, first].flatMap((one) => one ?? [])) {
      assert.equal(environment.CNI_COMMAND, "DEL");
      assert.deepEqual(input.prevResult, { ...given("10.1.0.7"), dns: {} });
    }
    assert.deepEqual(first?.input.runtimeConfig, { dns });
  });

  it("names no namespace once another one has its path", async () => {
    install(both);
    const path = join(dir, "netns");
    for (const one of [path, `${path}-of-another`]) writeFileSync(one, "");
    const pods = await open();
    await pods.attach(pod("a", { netnsPath: path }));
    renameSync(`${path}-of-another`, path);
    plugins.asked();
    await pods.detach({ sandboxId: "a" });
    assert.deepEqual(
      plugins.asked().map(({ environment }) => environment.CNI_NETNS),
      ["", ""],
    );
  });

  it("takes over what it is told of, undoes the rest, and has leftovers removed", async () => {
    install(both);
    const before = await open();
    for (const name of ["kept", "damaged", "unclaimed"]) await before.attach(pod(name));
    plugins.asked();
    const after = await open();
    assert.deepEqual(await after.restore([known("kept"), known("damaged"), known("never")]), ["never"]);
    const asked = plugins.asked();
    const of = (command: string) =>
      asked
        .filter(({ environment }) => environment.CNI_COMMAND === command)
        .map(({ plugin, environment }) => `${plugin} ${environment.CNI_CONTAINERID ?? ""}`);
    assert.deepEqual(of("CHECK").sort(), ["first damaged", "first kept", "second damaged", "second kept"]);
    assert.deepEqual(of("DEL"), ["second unclaimed", "first unclaimed"]);
    const gc = asked.find(({ environment }) => environment.CNI_COMMAND === "GC");
    assert.equal(gc?.environment.CNI_CONTAINERID, undefined);
    assert.deepEqual(
      gc?.input["cni.dev/valid-attachments"].map((one: { containerID: string }) => one.containerID).sort(),
      ["damaged", "kept"],
    );
    plugins.answer("second", "CHECK", { code: 100, msg: "the link is gone" }, 1);
    assert.deepEqual((await (await open()).restore([known("kept"), known("damaged")])).toSorted(), [
      "damaged",
      "kept",
    ]);
    assert.equal(plugins.commands().filter((one) => one === "first DEL").length, 2);
  });

  it("does not believe a plugin that found fault from the beginning", async () => {
    install(both);
    plugins.answer("second", "CHECK", { code: 100, msg: "the rule is missing" }, 1);
    await (await open()).attach(pod("a"));
    assert.deepEqual(await (await open()).restore([known("a")]), []);
    assert.equal(ported.at(-1), "restored", "host ports of those that are gone go, too");
    plugins.answer("first", "CHECK", { code: 100, msg: "the link is gone" }, 1);
    assert.deepEqual(await (await open()).restore([known("a")]), ["a"]);
  });

  it("asks of older networks only what they know", async () => {
    install({ ...both, cniVersion: "0.4.0", disableCheck: true });
    await (await open()).attach(pod("a"));
    assert.equal(await networkTrouble(places())(), undefined);
    await (await open()).restore([known("a")]);
    assert.deepEqual(plugins.commands(), ["first ADD", "second ADD"], "no STATUS, CHECK or GC");
  });

  it("is not ready while a plugin says that it is not", async () => {
    install(both);
    plugins.answer("second", "STATUS", { code: 50, msg: "the daemon is down" }, 1);
    assert.match(
      (await networkTrouble(places())()) ?? "",
      /error: plugin second \(STATUS\): the daemon is down$/,
    );
    plugins.answer("second", "STATUS", "");
    assert.equal(await networkTrouble(places())(), undefined);
  });

  it("speaks the newest version that all have", async () => {
    rmSync(plugins.binDir, { recursive: true });
    plugins = new RecordingPlugins(dir, ["first", "second"], ["0.3.1", "0.4.0", "1.0.0"]);
    install(both);
    assert.match(
      (await networkTrouble(places())()) ?? "",
      /written for CNI 1\.1\.0, and not all its plugins speak that/,
    );
    install({ ...both, cniVersions: ["0.4.0", "1.0.0", "2.0.0"] });
    await (await open()).attach(pod("a"));
    assert.equal(plugins.asked()[0]?.input.cniVersion, "1.0.0");
  });

  it("has one address of each family, the node's own family first, and refuses what is none", async () => {
    const answer = (...addresses: string[]) =>
      plugins.answer("second", "ADD", {
        ips: addresses.map((address) => ({ address })),
        cniVersion: "1.1.0",
      });
    install(both);
    const pods = await open();
    answer("FD00:0::7/64", "10.1.0.9/24", "10.1.0.8/24");
    assert.deepEqual(await pods.attach(pod("a")), { podIp: "10.1.0.9", gateway: "", secondIp: "fd00::7" });
    assert.equal(pods.secondIpOf("a"), "fd00::7");
    for (const bad of [
      "127.0.0.1/8",
      "10.1.0.9",
      "10.1.0.9; flush/24",
      "fe80::1/64",
      "::1/128",
      "10.1.0.9/24 x",
    ]) {
      answer(bad);
      await assert.rejects(pods.attach(pod("b")), (error: Error) => {
        assert.match(String(error.cause), /is no address for a pod/, bad);
        return true;
      });
    }
    answer();
    await assert.rejects(pods.attach(pod("c")), (error: Error) =>
      /gave eth0 no address/.test(String(error.cause)),
    );
    assert.deepEqual(readdirSync(join(dir, "state", "cni")), ["a.json"]);
  });

  it("kills a plugin that does not end, with what it started", async () => {
    plugins.answer("first", "ADD", "hang");
    const path = join(plugins.binDir, "first");
    const started = performance.now();
    const output = await runPlugin({
      path,
      environment: { CNI_COMMAND: "ADD" },
      input: "{}",
      timeoutMs: 1_500,
    });
    assert.equal(output.failure, "killed after 1.5 s");
    assert.ok(performance.now() - started < 30_000);
    assert.ok(existsSync(path));
  });
});
