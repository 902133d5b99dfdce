import { strict as assert } from "node:assert";
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseFlags, UsageError } from "../base/os/flags.ts";
import { createLog } from "../base/os/log.ts";
import type { Running } from "../base/os/os.ts";
import { resources } from "../client/resources.ts";
import type { RestClient } from "../client/rest.ts";
import type { Container, Pod } from "../client/types.ts";
import { startTestApiserver, type TestApiserver, testOs } from "../controlplane/apiserver/testing.ts";
import { startAgent } from "./agent.ts";
import { agentConfig, agentFlags } from "./flags.ts";
import { tearDownNode } from "./teardown.ts";
import { nodeIdentity, openAdministrator, until } from "./testing/whole-node.ts";

// One whole agent against a whole API server, pods as plain processes: needs neither root nor a network of its own.
describe("agent, with pods as processes", function () {
  this.timeout(120_000);
  let dir: string;
  let api: TestApiserver;
  let client: RestClient;
  let agent: Running;
  let argv: string[];
  const start = () =>
    startAgent(agentConfig(parseFlags(agentFlags, argv).flags), {
      ...testOs(),
      log: createLog({ level: "error", format: "text" }),
    });

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "pintle-agent-"));
    api = await startTestApiserver();
    argv = [
      ...(await nodeIdentity(api, dir)),
      "--allow-host-image",
      "--eviction-hard=",
      "--address=127.0.0.1",
      "--port=0",
    ];
    argv.push("--runtime=process");
    argv.push("--pod-cidr=127.65.1.0/24");
    client = await openAdministrator(api);
    agent = await start();
  });
  after(async () => {
    await client.deleteCollection(resources.pods, { namespace: "default", gracePeriodSeconds: 1 });
    await until(
      () => client.list(resources.pods, { namespace: "default" }),
      ({ items }) => items.length === 0,
    );
    await agent.stop();
    client.close();
    await api.stop();
    await rm(dir, { recursive: true, force: true });
  });

  const run = (
    name: string,
    script: string,
    spec: Partial<Pod["spec"]> = {},
    container: Partial<Container> = {},
  ) =>
    client.create(resources.pods, {
      metadata: { name, namespace: "default" },
      spec: {
        nodeName: "n1",
        automountServiceAccountToken: false,
        terminationGracePeriodSeconds: 1,
        containers: [
          { name: "c", image: "pintle.local/host", command: ["/bin/sh", "-c", script], ...container },
        ],
        ...spec,
      },
    });
  const pod = (name: string, wanted: (pod: Pod) => boolean) =>
    until(() => client.get(resources.pods, { namespace: "default", name }), wanted);
  const stateOf = ({ status }: Pod) => status?.containerStatuses?.[0];
  const logs = async (name: string, options: { readonly previous?: boolean } = {}) => {
    let text = "";
    for await (const chunk of client.logs({ namespace: "default", name }, options))
      text += Buffer.from(chunk).toString();
    return text;
  };

  /** A container that runs may not have said it yet. */
  const logged = (name: string, wanted: string, options: { readonly previous?: boolean } = {}) =>
    until(
      () => logs(name, options),
      (text) => text === wanted,
    );

  it("registers its node and renews its lease", async () => {
    const node = await client.get(resources.nodes, { name: "n1" });
    assert.equal(node.status?.conditions?.find(({ type }) => type === "Ready")?.status, "True");
    assert.match(node.status?.nodeInfo?.containerRuntimeVersion ?? "", /^process:\/\//);
    await until(
      () => client.get(resources.leases, { namespace: "kube-node-lease", name: "n1" }),
      (lease) => lease.spec?.holderIdentity === "n1",
    );
  });

  it("runs a pod to its end and tells how it ended", async () => {
    await run("once", "echo to log; exit 4", { restartPolicy: "Never" });
    const ended = await pod("once", ({ status }) => status?.phase === "Failed");
    assert.equal(stateOf(ended)?.state?.terminated?.exitCode, 4);
    assert.equal(ended.status?.conditions?.find(({ type }) => type === "Ready")?.reason, "PodFailed");
    assert.equal(await logs("once"), "to log\n");
  });

  it("runs init containers first, probes, and serves exec", async () => {
    const init: Container = {
      name: "first",
      image: "pintle.local/host",
      command: ["/bin/sh", "-c", "exit 0"],
    };
    await run(
      "served",
      "exec sleep 1000",
      { initContainers: [init] },
      { readinessProbe: { exec: { command: ["true"] }, periodSeconds: 1 } },
    );
    const ready = await pod(
      "served",
      ({ status }) =>
        status?.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True") ?? false,
    );
    assert.equal(ready.status?.initContainerStatuses?.[0]?.state?.terminated?.reason, "Completed");
    let out = "";
    const session = await client.exec(
      { namespace: "default", name: "served" },
      {
        command: ["/bin/sh", "-c", "cat; exit 7"],
        stdin: true,
        onStdout: (bytes) => {
          out += Buffer.from(bytes).toString();
        },
        onStderr: () => undefined,
      },
    );
    session.write(Buffer.from("echoed"));
    session.closeStdin();
    assert.equal(await session.exitCode, 7);
    assert.equal(out, "echoed");
  });

  it("restarts what crashes, with back-off", async () => {
    await run("crash", "exit 3");
    const waiting = await pod("crash", (one) => stateOf(one)?.state?.waiting?.reason === "CrashLoopBackOff");
    assert.ok((stateOf(waiting)?.restartCount ?? 0) >= 1, "the first restart is at once");
    assert.equal(stateOf(waiting)?.lastState?.terminated?.exitCode, 3);
    assert.equal(waiting.status?.phase, "Running");
  });

  it("leaves pods running through a restart of its own", async () => {
    await run("steady", "exec sleep 1000");
    const before = await pod("steady", (one) => stateOf(one)?.ready === true);
    await agent.stop();
    agent = await start();
    await run("after", "exit 0", { restartPolicy: "Never" });
    await pod("after", ({ status }) => status?.phase === "Succeeded");
    const after = await client.get(resources.pods, { namespace: "default", name: "steady" });
    assert.deepEqual(stateOf(after), stateOf(before));
  });

  it("goes on after its whole node went down: what never restarts failed, the rest runs again", async () => {
    await run("once-only", "echo ran; exec sleep 1000", { restartPolicy: "Never" });
    await run("again", "echo run; exec sleep 1000");
    await run("done", "exit 0", { restartPolicy: "Never" });
    const before = await pod("again", (one) => stateOf(one)?.ready === true);
    await pod("once-only", (one) => stateOf(one)?.ready === true);
    await pod("done", ({ status }) => status?.phase === "Succeeded");
    await logged("once-only", "ran\n");
    await logged("again", "run\n");
    await agent.stop();
    await tearDownNode({ rootDir: join(dir, "root"), nodeName: "n1", runtime: "process" }, testOs());
    agent = await start();
    const failed = await pod("once-only", ({ status }) => status?.phase === "Failed");
    assert.deepEqual([stateOf(failed)?.restartCount, stateOf(failed)?.state?.terminated?.exitCode], [0, 137]);
    assert.equal(await logs("once-only"), "ran\n");
    const after = await pod(
      "again",
      (one) => stateOf(one)?.ready === true && stateOf(one)?.restartCount === 1,
    );
    const last = stateOf(after)?.lastState?.terminated;
    assert.deepEqual([last?.exitCode, last?.containerID], [137, stateOf(before)?.containerID]);
    await logged("again", "run\n");
    assert.equal(await logs("again", { previous: true }), "run\n");
    const done = await pod("done", ({ status }) => status?.phase === "Succeeded");
    assert.equal(stateOf(done)?.state?.terminated?.reason, "Completed");
  });

  it("removes volumes that are its own folders once they are released, whether a pod mounted them or none ever did", async () => {
    const folder = join(dir, "root", "local-volumes");
    const names = ["mounted", "never-mounted"];
    for (const name of names)
      await client.create(resources.persistentvolumes, {
        metadata: { name, annotations: { "pv.kubernetes.io/provisioned-by": "pintle.dev/local-path" } },
        spec: {
          capacity: { storage: "1Mi" },
          accessModes: ["ReadWriteOnce"],
          persistentVolumeReclaimPolicy: "Delete",
          local: { path: join(folder, name) },
          nodeAffinity: {
            required: {
              nodeSelectorTerms: [
                { matchFields: [{ key: "metadata.name", operator: "In", values: ["n1"] }] },
              ],
            },
          },
        },
      });
    await mkdir(join(folder, "mounted"), { recursive: true });
    const status = { phase: "Released" };
    for (const name of names)
      await client.patch(
        resources.persistentvolumes,
        { name },
        { status },
        { type: "merge", subresource: "status" },
      );
    await until(
      () => client.list(resources.persistentvolumes),
      // No controller here takes the finalizer off.
      ({ items }) => items.every(({ metadata }) => metadata.deletionTimestamp !== undefined),
    );
    assert.deepEqual(await readdir(folder), []);
  });

  it("says in one line what is wrong with its flags", () => {
    assert.throws(
      () => parseFlags(agentFlags, ["--runtime=docker"]),
      /^UsageError: --runtime: "docker" must be auto, oci or process$/,
    );
    const bad = parseFlags(agentFlags, [
      "--port=99999",
      "--node-name=n1",
      "--node-labels=a=b,node-role.kubernetes.io/x=y",
    ]).flags;
    assert.throws(
      () => agentConfig(bad),
      (error) =>
        error instanceof UsageError &&
        /--port: 99999 must be/.test(error.message) &&
        /--node-labels: "node-role.kubernetes.io\/x" is a label that a node must not set on itself/.test(
          error.message,
        ),
    );
  });
});
