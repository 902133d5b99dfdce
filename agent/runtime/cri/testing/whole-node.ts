import { strict as assert } from "node:assert";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseFlags } from "../../../../base/os/flags.ts";
import { createLog } from "../../../../base/os/log.ts";
import type { Running } from "../../../../base/os/os.ts";
import { resources } from "../../../../client/resources.ts";
import type { RestClient } from "../../../../client/rest.ts";
import type { Container, Pod } from "../../../../client/types.ts";
import {
  startTestApiserver,
  type TestApiserver,
  testOs,
} from "../../../../controlplane/apiserver/testing.ts";
import { startAgent } from "../../../agent.ts";
import { agentConfig, agentFlags } from "../../../flags.ts";
import { TestRegistry } from "../../../images/testing/test-registry.ts";
import { nodeIdentity, openAdministrator, until } from "../../../testing/whole-node.ts";
import { mustRun } from "../../supervised/run-command.ts";
import { openRuntimeClient } from "../cri-client.ts";
import { keptKeys } from "../kept.ts";
import { startContainerd, type TestContainerd, testImage } from "./containerd.ts";

// One whole agent and its containerd with a whole API server, in a network namespace of their own: `whole-node.test.ts` makes it.
const nodeIp = "10.98.0.1";

describe("agent, with containerd", function () {
  this.timeout(120_000);
  let dir: string;
  let api: TestApiserver;
  let client: RestClient;
  let agent: Running;
  let containerd: TestContainerd;
  let argv: string[];
  const start = () =>
    startAgent(agentConfig(parseFlags(agentFlags, argv).flags), {
      ...testOs(),
      log: createLog({ level: "error", format: "text" }),
    });

  before(async () => {
    for (const words of ["link set lo up", `addr add ${nodeIp}/32 dev lo`])
      await mustRun(["ip", ...words.split(" ")]);
    dir = await mkdtemp(join(tmpdir(), "pintle-agent-"));
    const found = await startContainerd();
    assert.ok(found !== undefined);
    containerd = found;
    api = await startTestApiserver();
    argv = [
      ...(await nodeIdentity(api, dir, { address: nodeIp })),
      `--container-runtime-endpoint=${containerd.endpoint}`,
      `--node-ip=${nodeIp}`,
      "--port=0",
      "--eviction-hard=",
      "--pod-cidr=10.99.1.0/24",
      "--service-cluster-ip-range=10.97.0.0/24",
      "--node-status-update-frequency=200ms",
    ];
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
    await containerd.stop();
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
          {
            name: "c",
            image: testImage,
            command: ["/bin/sh", "-c", script],
            volumeMounts: [{ name: "programs", mountPath: "/usr", readOnly: true }],
            ...container,
          },
        ],
        volumes: [{ name: "programs", hostPath: { path: "/usr" } }],
        ...spec,
      },
    });
  const pod = (name: string, wanted: (pod: Pod) => boolean) =>
    until(() => client.get(resources.pods, { namespace: "default", name }), wanted);
  const isReady = ({ status }: Pod) =>
    status?.conditions?.some((one) => one.type === "Ready" && one.status === "True") ?? false;
  const stateOf = ({ status }: Pod) => status?.containerStatuses?.[0];
  const logs = async (name: string) => {
    let text = "";
    for await (const chunk of client.logs({ namespace: "default", name }, {}))
      text += Buffer.from(chunk).toString();
    return text;
  };
  const eventOf = (name: string, reason: string) =>
    until(
      () => client.list(resources.events, { namespace: "default" }),
      ({ items }) => items.some((one) => one.involvedObject.name === name && one.reason === reason),
    ).then(({ items }) => items.find((one) => one.involvedObject.name === name && one.reason === reason));
  const nodeReady = async () => {
    const { status } = await client.get(resources.nodes, { name: "n1" });
    return status?.conditions?.find(({ type }) => type === "Ready");
  };

  it("tells of the runtime and its handlers in the Node", async () => {
    await until(nodeReady, (ready) => ready?.status === "True");
    const { status } = await client.get(resources.nodes, { name: "n1" });
    assert.match(status?.nodeInfo?.containerRuntimeVersion ?? "", /^containerd:\/\/\d+\.\d+/);
    const names = status?.runtimeHandlers?.map(({ name }) => name).sort();
    assert.deepEqual(names, ["", "other", "runc"]);
  });

  it("runs a pod to its end and tells how it ended", async () => {
    await run(
      "once",
      "echo $FROM_IMAGE $MINE; exit 4",
      { restartPolicy: "Never" },
      {
        env: [{ name: "MINE", value: "own" }],
      },
    );
    const ended = await pod("once", ({ status }) => status?.phase === "Failed");
    assert.equal(stateOf(ended)?.state?.terminated?.exitCode, 4);
    assert.match(stateOf(ended)?.containerID ?? "", /^containerd:\/\/[0-9a-f]{64}$/);
    assert.equal(await logs("once"), "yes own\n");
  });

  it("runs the image's own command, as whom the pod asks, and refuses what may not be root", async () => {
    const security = (securityContext: NonNullable<Container["securityContext"]>) => ({
      command: [],
      args: [],
      securityContext,
    });
    await run(
      "numbered",
      "",
      { restartPolicy: "Never" },
      {
        command: ["/bin/sh", "-c", "id -u; id -g; id -G"],
        securityContext: { runAsUser: 1234, runAsGroup: 77 },
      },
    );
    await pod("numbered", ({ status }) => status?.phase === "Succeeded");
    assert.equal(await logs("numbered"), "1234\n77\n77\n");
    // The image says /bin/sh, which ends at once without input.
    await run("of-image", "", { restartPolicy: "Never" }, security({}));
    await pod("of-image", ({ status }) => status?.phase === "Succeeded");
    await run("not-root", "", { restartPolicy: "Never" }, security({ runAsNonRoot: true }));
    const refused = await pod(
      "not-root",
      (one) => stateOf(one)?.state?.waiting?.reason === "CreateContainerConfigError",
    );
    assert.match(stateOf(refused)?.state?.waiting?.message ?? "", /image will run as root/);
  });

  it("connects pods on the node's own network, with probes, host ports, exec and port forwarding", async () => {
    const serve = "mkdir /www; echo hello > /www/index.html; exec /busybox httpd -f -p 8080 -h /www";
    await run(
      "web",
      serve,
      {},
      {
        ports: [{ containerPort: 8080, hostPort: 18080 }],
        readinessProbe: { httpGet: { path: "/", port: 8080 }, periodSeconds: 1 },
        livenessProbe: { exec: { command: ["true"] }, periodSeconds: 1 },
      },
    );
    const web = await pod("web", isReady);
    const podIp = web.status?.podIP ?? "";
    assert.match(podIp, /^10\.99\.1\./);
    assert.equal(await (await fetch(`http://${podIp}:8080/`)).text(), "hello\n");
    assert.equal(await (await fetch(`http://${nodeIp}:18080/`)).text(), "hello\n");
    const ask = `/busybox wget -qO- http://${podIp}:8080/; grep -c ${podIp} /etc/hosts; cat /etc/resolv.conf`;
    await run("asker", ask, { restartPolicy: "Never" });
    await pod("asker", ({ status }) => status?.phase === "Succeeded");
    assert.match(await logs("asker"), /^hello\n0\nsearch default\.svc\.cluster\.local /);
    let out = "";
    const session = await client.exec(
      { namespace: "default", name: "web" },
      {
        command: ["/bin/sh", "-c", "cat; hostname; exit 7"],
        stdin: true,
        onStdout: (bytes) => {
          out += Buffer.from(bytes).toString();
        },
        onStderr: () => undefined,
      },
    );
    session.write(Buffer.from("echoed "));
    session.closeStdin();
    assert.equal(await session.exitCode, 7);
    assert.equal(out, "echoed web\n");
  });

  it("gives a pod of a RuntimeClass to its handler, and names one that the runtime does not have", async () => {
    for (const [name, handler] of [
      ["special", "other"],
      ["missing", "nowhere"],
    ] as const)
      await client.create(resources.runtimeclasses, { metadata: { name }, handler });
    await run("special", "exec sleep 1000", { runtimeClassName: "special" });
    await pod("special", (one) => stateOf(one)?.ready === true);
    const runtime = openRuntimeClient(containerd.endpoint.slice("unix://".length), testOs());
    try {
      const labelSelector = [{ key: keptKeys.nodeLabel, value: "n1" }];
      const { items } = await runtime.ask("ListPodSandbox", { filter: { labelSelector } });
      const handlerOf = (name: string) =>
        items.find(({ metadata }) => metadata?.name === name)?.runtimeHandler;
      assert.deepEqual([handlerOf("special"), handlerOf("web")], ["other", ""]);
    } finally {
      runtime.close();
    }
    await run("missing", "true", { runtimeClassName: "missing" });
    const event = await eventOf("missing", "FailedCreatePodSandBox");
    assert.match(event?.message ?? "", /no runtime for "nowhere" is configured/);
  });

  it("mounts images that it pulls itself as volumes, read-only", async () => {
    const registry = await TestRegistry.start();
    try {
      const reference = await registry.add("files", ["below", "of an image"]);
      await run(
        "with-image",
        "cat /files/text; touch /files/own 2>/dev/null || echo read-only",
        {
          restartPolicy: "Never",
          volumes: [
            { name: "programs", hostPath: { path: "/usr" } },
            { name: "files", image: { reference } },
          ],
        },
        {
          volumeMounts: [
            { name: "programs", mountPath: "/usr", readOnly: true },
            { name: "files", mountPath: "/files" },
          ],
        },
      );
      await pod("with-image", ({ status }) => status?.phase === "Succeeded");
      assert.equal(await logs("with-image"), "of an imageread-only\n");
    } finally {
      registry.stop();
    }
  });

  it("refuses by name what it cannot do", async () => {
    await run("with-users", "true", { hostUsers: false });
    const event = await eventOf("with-users", "FailedCreatePodSandBox");
    assert.match(
      event?.message ?? "",
      /can't set `spec\.hostUsers: false`, runtime does not support user namespaces/,
    );
  });

  it("leaves pods running through a restart of its own, and of its runtime, which the Node tells of", async () => {
    const before = await pod("web", (one) => stateOf(one)?.ready === true);
    await agent.stop();
    agent = await start();
    await run("after", "exit 0", { restartPolicy: "Never" });
    await pod("after", ({ status }) => status?.phase === "Succeeded");
    const after = await client.get(resources.pods, { namespace: "default", name: "web" });
    assert.deepEqual(stateOf(after), stateOf(before));
    assert.equal(after.status?.podIP, before.status?.podIP);

    await containerd.kill();
    const down = await until(nodeReady, (ready) => ready?.status === "False");
    assert.match(
      down?.message ?? "",
      /^container runtime is down: the container runtime at .* cannot be reached/,
    );
    await containerd.restart();
    await until(nodeReady, (ready) => ready?.status === "True");
    await run("again", "exit 0", { restartPolicy: "Never" });
    await pod("again", ({ status }) => status?.phase === "Succeeded");
    const at = before.status?.podIP ?? "";
    assert.equal(await (await fetch(`http://${at}:8080/`)).text(), "hello\n");
    const still = await client.get(resources.pods, { namespace: "default", name: "web" });
    assert.equal(stateOf(still)?.containerID, stateOf(before)?.containerID);
  });
});
