import { strict as assert } from "node:assert";
import type { ContainerConfig } from "../seam.ts";
import { containerConfig, sandboxConfig } from "../suite-configs.ts";
import { containerOf, listedSandbox } from "./answers.ts";
import { cniRequest, cniResult } from "./cni-request.ts";
import { socketOf } from "./endpoint.ts";
import { containerStatus, podSandbox } from "./messages.ts";
import { configOf } from "./open-cri.ts";
import { containerRequest, entries, sandboxMessage, sandboxRequest } from "./requests.ts";
import { streamingUrl } from "./streaming.ts";

const places = { nodeName: "n1", cgroupParent: "/pintle/n1/podu" };
const config = sandboxConfig("p");

describe("what a container runtime answers", () => {
  const listed = (more: object = {}) =>
    podSandbox.decode(
      podSandbox.encode({
        id: "s1",
        state: 0,
        createdAt: 1_700_000_000_123_456_789n,
        labels: entries({ "pintle.dev/node": "n1" }),
        annotations: sandboxMessage(config, places).annotations ?? [],
        ...more,
      }),
    );

  it("is read back as it was asked for", () => {
    const sandbox = listedSandbox(listed(), "n1");
    assert.deepEqual(sandbox, { id: "s1", config, isReady: true, createdAtMs: 1_700_000_000_123 });
  });

  for (const [what, more] of [
    ["of another node", { labels: entries({ "pintle.dev/node": "n2" }) }],
    ["with an id that leads elsewhere", { id: "../../etc" }],
    ["with an empty id", { id: "" }],
    ["that was not kept", { annotations: [] }],
    ["that is no JSON", { annotations: entries({ "pintle.dev/sandbox": "{" }) }],
    ["of another form", { annotations: entries({ "pintle.dev/sandbox": '{"pod":[]}' }) }],
    [
      "whose pod has no name",
      { annotations: entries({ "pintle.dev/sandbox": JSON.stringify({ ...config, pod: { uid: 1 } }) }) },
    ],
  ] as const)
    it(`is no sandbox of ours: one ${what}`, () =>
      assert.equal(listedSandbox(listed(more), "n1"), undefined));

  const kept = containerRequest(containerConfig(["x"], "/logs/0.log"), {
    ...places,
    sandboxId: "s1",
    sandbox: config,
    hostsFile: "/h",
    seccompFile: undefined,
    hugePageSizes: [],
  }).config as { annotations: { key: string; value: string }[] };
  const status = (more: object) =>
    containerStatus.decode(
      containerStatus.encode({
        id: "c1",
        metadata: { name: "c", attempt: 2 },
        state: "CONTAINER_EXITED",
        createdAt: 1_000_000n,
        startedAt: 2_000_000n,
        finishedAt: 3_000_000n,
        annotations: kept.annotations,
        logPath: "/logs/0.log",
        ...more,
      }),
    );
  const stateOf = (more: object) => containerOf(status(more), "s1", config)?.state;

  it("tells how a container ended, and nothing beyond its bounds", () => {
    const ended = { phase: "exited", startedAtMs: 2, finishedAtMs: 3, signal: 0, message: "" };
    assert.deepEqual(stateOf({}), { ...ended, exitCode: 0, reason: "Completed" });
    assert.deepEqual(stateOf({ exitCode: 3, reason: "OOMKilled" }), {
      ...ended,
      exitCode: 3,
      reason: "OOMKilled",
    });
    assert.deepEqual(stateOf({ exitCode: 3, reason: "no reason\n" }), {
      ...ended,
      exitCode: 3,
      reason: "Error",
    });
    assert.deepEqual(stateOf({ exitCode: 2 ** 40 }), { ...ended, exitCode: 137, reason: "Error" });
    assert.deepEqual(stateOf({ state: "CONTAINER_UNKNOWN" }), {
      ...ended,
      exitCode: 137,
      reason: "ContainerStatusUnknown",
    });
    assert.equal(stateOf({ state: 77 })?.phase, "exited");
    const long = stateOf({ message: "x".repeat(100_000) });
    assert.equal(long?.phase === "exited" && long.message.length, 4096);
    assert.deepEqual(stateOf({ state: "CONTAINER_RUNNING", startedAt: -5n }), {
      phase: "running",
      startedAtMs: 0,
    });
  });

  for (const [what, more] of [
    ["without what was kept", { annotations: [] }],
    ["without a name", { metadata: undefined }],
    ["whose log is nowhere", { logPath: "0.log" }],
    ["with another's id", { id: "a/b" }],
  ] as const)
    it(`is no container of ours: one ${what}`, () =>
      assert.equal(containerOf(status(more), "s1", config), undefined));

  it("tells where it looks for networks, in any release's form, or in none", () => {
    const told = (config: unknown) =>
      configOf({ info: entries({ config: typeof config === "string" ? config : JSON.stringify(config) }) });
    const runtimes = { runc: { options: { SystemdCgroup: true } }, gvisor: {} };
    assert.deepEqual(
      told({ cni: { confDir: "/c", binDir: "/b" }, containerd: { defaultRuntimeName: "runc", runtimes } }),
      { confDir: "/c", binDir: "/b", isSystemd: true, cdi: false, runtimes: ["runc", "gvisor"] },
    );
    assert.deepEqual(told({ cni: { confDir: "/c", binDirs: ["/b", "/d"] } }), {
      confDir: "/c",
      binDir: "/b",
      cdi: false,
      runtimes: [],
    });
    const cdiOf = (enableCDI: unknown) => told({ enableCDI }).cdi;
    assert.deepEqual([cdiOf(true), cdiOf(false), cdiOf("true")], [true, false, false]);
    for (const odd of ["{", "[]", "null", { cni: { confDir: "c", binDir: 7 } }])
      assert.deepEqual(told(odd), { cdi: false, runtimes: [] });
    assert.deepEqual(configOf({ info: [] }), { cdi: false, runtimes: [] });
  });

  it("streams on this machine's loopback, or not at all", () => {
    for (const fine of ["http://127.0.0.1:4/exec/x", "https://localhost:1/a", "http://[::1]:9/p"])
      assert.equal(streamingUrl(fine).href, fine);
    for (const bad of [
      "http://10.0.0.1:80/exec/x",
      "http://127.0.0.1.example.com/",
      "ftp://127.0.0.1/",
      "file:///etc/passwd",
      "",
      `http://127.0.0.1/${"x".repeat(3000)}`,
    ])
      assert.throws(() => streamingUrl(bad), /not on this machine's loopback/);
  });
});

describe("what a container runtime is asked", () => {
  it("has the pod's own sysctls, and no others", () => {
    const asked = sandboxRequest({ ...config, sysctls: { "net/ipv4/ip_forward": "1" } }, places);
    assert.deepEqual((asked.config as { linux: { sysctls: unknown } }).linux.sysctls, [
      { key: "net.ipv4.ip_forward", value: "1" },
    ]);
    for (const [name, more] of [
      ["kernel.hostname", {}],
      ["net.ipv4/../../kernel.core_pattern", {}],
      ["net.ipv4.ip_forward", { hostNetwork: true }],
      ["kernel.shmmax", { hostIpc: true }],
    ] as const)
      assert.throws(
        () => sandboxRequest({ ...config, ...more, sysctls: { [name]: "1" } }, places),
        /is not the pod's own/,
      );
  });

  it("is the pod's word alone where the image's counts for the rest", () => {
    const of = (more: Partial<ContainerConfig>) =>
      containerRequest(
        { ...containerConfig([], "/l/0.log"), ...more },
        { ...places, sandboxId: "s", sandbox: config, hostsFile: "/h", seccompFile: "/s", hugePageSizes: [] },
      ).config as {
        linux: { securityContext: Record<string, unknown> };
        mounts: { containerPath: string }[];
      };
    const context = (more: Partial<ContainerConfig>) => of(more).linux.securityContext;
    const nobody = context({ user: { groups: [] } });
    assert.deepEqual([nobody.runAsUser, nobody.runAsUsername, nobody.runAsGroup], [undefined, "", undefined]);
    const named = context({ user: { name: "web", gid: 5, groups: [7], onlyTheseGroups: true } });
    assert.deepEqual(
      [named.runAsUser, named.runAsUsername, named.runAsGroup, named.supplementalGroupsPolicy],
      [undefined, "web", { value: 5 }, "Strict"],
    );
    const hosts = { hostPath: "/mine", containerPath: "/etc/hosts", readOnly: true };
    assert.deepEqual(
      of({ mounts: [hosts] }).mounts.map(({ containerPath }) => containerPath),
      ["/etc/hosts"],
    );
    const { security } = containerConfig([], "/l");
    const privileged = context({ security: { ...security, privileged: true } });
    assert.deepEqual([privileged.maskedPaths, privileged.readonlyPaths], [[], []]);
  });

  it("is asked at a socket", () => {
    assert.equal(socketOf("f", "unix:///run/x.sock"), "/run/x.sock");
    for (const bad of ["tcp://1.2.3.4:5", "/run/x.sock", "unix://x", `unix:///${"x".repeat(200)}`])
      assert.throws(() => socketOf("f", bad), /--f: .* is not unix:\/\/\/PATH/);
  });
});

describe("what a runtime asks of its network plugin", () => {
  const line = (...words: string[]) => words.join("\0");
  const args = "IgnoreUnknown=1;K8S_POD_NAMESPACE=d;K8S_POD_NAME=p;K8S_POD_UID=u=1";

  it("is read as CNI has it", () => {
    assert.deepEqual(cniRequest(line("ADD", "abc", "/run/netns/x", "eth0", args)), {
      command: "ADD",
      sandboxId: "abc",
      netnsPath: "/run/netns/x",
      pod: { namespace: "d", name: "p", uid: "u=1" },
    });
    assert.deepEqual(cniRequest(line("DEL", "abc", "", "", "")), { command: "DEL", sandboxId: "abc" });
    assert.deepEqual(JSON.parse(cniResult("/n", { podIp: "10.0.0.2", gateway: "10.0.0.1" })).ips, [
      { address: "10.0.0.2/32", gateway: "10.0.0.1", interface: 0 },
    ]);
  });

  for (const [what, ...words] of [
    ["an id with a newline", "ADD", "a\nlink del x", "/n", "eth0"],
    ["an id with a space", "DEL", "a b"],
    ["no id", "ADD", "", "/n", "eth0"],
    ["a path with words of ip's", "ADD", "a", "/n netns 1", "eth0"],
    ["a path that climbs", "ADD", "a", "/run/../proc/1/ns/net", "eth0"],
    ["a relative path", "ADD", "a", "n", "eth0"],
    ["another interface", "ADD", "a", "/n", "eth1"],
    ["another command", "EVAL", "a", "/n", "eth0"],
  ] as const)
    it(`is refused: ${what}`, () => assert.equal(typeof cniRequest(line(...words)), "string"));
});
