import { strict as assert } from "node:assert";
import { ApiError, ConnectionError, isNotFound } from "../../client/api-error.ts";
import { resources } from "../../client/resources.ts";
import type { Container, Pod } from "../../client/types.ts";
import { networkNotReady } from "../network-seam.ts";
import { ref, WorkerRig } from "./testing/worker-rig.ts";

const container = (more: Partial<Container> = {}): Container => ({
  name: "c",
  image: "i",
  command: ["run"],
  ...more,
});
type Hook = NonNullable<NonNullable<Container["lifecycle"]>["preStop"]>;

const stateOf = ({ status }: Pod) => status?.containerStatuses?.[0];

describe("PodWorker", () => {
  let rig: WorkerRig;
  beforeEach(async () => {
    rig = await WorkerRig.open();
  });
  afterEach(() => rig.close());

  const ended = (id: string) => rig.runtime.containerStatus(id)?.state.phase !== "running" || undefined;

  it("says of a pod that the node does not take why, and nothing of containers", async () => {
    const rejection = { reason: "SysctlForbidden", message: "forbidden sysctl" };
    Object.assign(rig.context, { admission: { admit: async () => rejection, forget: () => undefined } });
    await rig.run({ restartPolicy: "Always" });
    const pod = await rig.untilPod(({ status }) => status?.phase === "Failed", "Failed");
    const { reason, message, containerStatuses } = pod.status ?? {};
    assert.deepEqual(
      [reason, message, containerStatuses],
      ["SysctlForbidden", "Pod was rejected: forbidden sysctl", undefined],
    );
  });

  it("begins nothing of a pod that asks for what this node cannot do, and names it once and in the status", async () => {
    await rig.run({ runtimeClassName: "a", volumes: [{ name: "v", flocker: { datasetName: "d" } }] });
    const pod = await rig.untilPod((one) => stateOf(one)?.state?.waiting?.message !== undefined, "refused");
    const message = "spec.runtimeClassName: a, spec.volumes[0].flocker are not supported by this node";
    assert.deepEqual(stateOf(pod)?.state?.waiting, { reason: "CreateContainerConfigError", message });
    assert.equal(pod.status?.phase, "Pending");
    await rig.clock.advance(60_000);
    await rig.patch({ metadata: { labels: { again: "and again" } } });
    await rig.clock.advance(60_000);
    assert.deepEqual(rig.events, [
      {
        type: "Warning",
        reason: "FailedCreatePodSandBox",
        message: `Failed to create pod sandbox: ${message}`,
      },
    ]);
    assert.deepEqual(rig.runtime.listPodSandboxes(), []);
  });

  it("shows in the status what containers were given", async () => {
    const asked = { runAsUser: 7, runAsGroup: 8, supplementalGroups: [9] };
    await rig.run({
      securityContext: asked,
      containers: [container({ resources: { requests: { cpu: "1" } } })],
    });
    const pod = await rig.untilPod((one) => stateOf(one)?.state?.running !== undefined, "running");
    const { user, resources: given, allocatedResources } = stateOf(pod) ?? {};
    assert.deepEqual(user, { linux: { uid: 7, gid: 8, supplementalGroups: [8, 9] } });
    assert.deepEqual([given, allocatedResources], [{ requests: { cpu: "1" } }, { cpu: "1" }]);
  });

  it("restarts all containers of a pod, init containers first, when one ends with the rule that says so", async () => {
    const rule = { action: "RestartAllContainers", exitCodes: { operator: "In", values: [42] } };
    await rig.run({
      restartPolicy: "Never",
      initContainers: [container({ name: "init" })],
      containers: [
        container({ restartPolicy: "Never", restartPolicyRules: [rule] }),
        container({ name: "other" }),
      ],
    });
    const init = await rig.untilRunning("init");
    rig.runtime.exit(init, 0);
    const first = await rig.untilRunning();
    const other = await rig.untilRunning("other");
    rig.runtime.exit(first, 42);
    const again = await rig.untilRunning("init", init);
    assert.deepEqual([...rig.running().keys()], ["init"]);
    const restarting = ({ status }: Pod) =>
      status?.conditions?.find(({ type }) => type === "AllContainersRestarting")?.status;
    assert.equal(restarting(await rig.pod()), "True");
    rig.runtime.exit(again, 0);
    await rig.untilRunning("c", first);
    await rig.untilRunning("other", other);
    const pod = await rig.untilPod((one) => restarting(one) === "False", "restarted");
    assert.equal(pod.status?.phase, "Running");
    assert.deepEqual(
      pod.status?.containerStatuses?.map(({ restartCount }) => restartCount),
      [1, 1],
    );
    assert.equal(stateOf(pod)?.lastState?.terminated?.exitCode, 42);
  });

  it("tries again soon while there is no network yet, and later and later where it fails otherwise", async () => {
    const tried: number[] = [];
    const noNetwork = `${networkNotReady}: cni config uninitialized`;
    const fails = [noNetwork, noNetwork, "no route", "no route", "no route", "no route", undefined];
    const waitsMs = [2_000, 2_000, 2_000, 4_000, 8_000, 10_000];
    const { runtime, clock } = rig;
    const run = runtime.runPodSandbox.bind(runtime);
    runtime.runPodSandbox = async (config) => {
      const why = fails[tried.push(clock.wallMs()) - 1];
      if (why !== undefined) throw new Error(why);
      return run(config);
    };
    await rig.run();
    for (const [at, waitMs] of waitsMs.entries()) {
      await rig.until(() => rig.events[at], "it failed");
      await clock.advance(waitMs - 1);
      assert.equal(tried.length, at + 1);
      // A step at a time: whether it sleeps already is not seen from here.
      await rig.until(async () => {
        await clock.advance(1);
        return tried[at + 1];
      }, "tried again");
      assert.ok((tried[at + 1] ?? 0) - (tried[at] ?? 0) < waitMs + 1_000);
    }
    await rig.untilRunning();
  });

  it("says of a volume that cannot be mounted which kind it is", async () => {
    await rig.run({ volumes: [{ name: "v", flocker: { datasetName: "d" } }] });
    await rig.untilPod((one) => stateOf(one)?.state?.waiting?.message !== undefined, "refused");
    const message = "MountVolume.SetUp failed: spec.volumes[0].flocker is not supported by this node";
    assert.deepEqual(rig.events, [{ type: "Warning", reason: "FailedMount", message }]);
  });

  describe("tells the truth about a container that did not start", () => {
    beforeEach(() => {
      rig.runtime.onStart = ({ name }) => (name === "good" ? undefined : "exec: nosuchcommand: not found");
    });

    it("a pod that never restarts failed, with StartError and exit code 128", async () => {
      await rig.run({ restartPolicy: "Never" });
      const pod = await rig.untilPod(({ status }) => status?.phase === "Failed", "Failed");
      const { exitCode, reason, message } = stateOf(pod)?.state?.terminated ?? {};
      assert.deepEqual([exitCode, reason], [128, "StartError"]);
      assert.match(message ?? "", /nosuchcommand/);
      assert.deepEqual([stateOf(pod)?.lastState, stateOf(pod)?.restartCount], [{}, 0]);
    });

    it("so did one whose init container did not start", async () => {
      const good = container({ name: "good" });
      await rig.run({ restartPolicy: "Never", containers: [good], initContainers: [container()] });
      const pod = await rig.untilPod(({ status }) => status?.phase === "Failed", "Failed");
      assert.equal(pod.status?.initContainerStatuses?.[0]?.state?.terminated?.reason, "StartError");
      assert.equal(rig.running().size, 0);
    });

    it("one that restarts waits, and its last end is kept", async () => {
      await rig.run({ restartPolicy: "OnFailure" });
      const pod = await rig.untilPod(
        (one) => stateOf(one)?.state?.waiting?.reason === "CrashLoopBackOff",
        "back-off",
      );
      assert.equal(pod.status?.phase, "Running");
      assert.equal(stateOf(pod)?.lastState?.terminated?.reason, "StartError");
    });

    it("one whose hook after the start failed has failed, not succeeded", async () => {
      rig.runtime.onStart = () => undefined;
      rig.runtime.onExec = () => 1;
      const hooked = container({ lifecycle: { postStart: { exec: { command: ["hook"] } } } });
      await rig.run({ restartPolicy: "Never", containers: [hooked] });
      const pod = await rig.untilPod(({ status }) => status?.phase === "Failed", "Failed");
      assert.equal(stateOf(pod)?.state?.terminated?.exitCode, 143);
    });
  });

  it("keeps a pod pending whose container's configuration lacks something, also one that never restarts", async () => {
    const lacking = container({ envFrom: [{ configMapRef: { name: "absent" } }] });
    await rig.run({ restartPolicy: "Never", containers: [lacking] });
    const pod = await rig.untilPod(
      (one) => stateOf(one)?.state?.waiting?.reason === "CreateContainerConfigError",
      "config error",
    );
    assert.equal(pod.status?.phase, "Pending");
    assert.equal(stateOf(pod)?.state?.waiting?.message, 'configmap "absent" not found');
  });

  it("tells once what isolation a pod asks for in vain where it is plain processes", async () => {
    Object.assign(rig.context, { scheme: "process" });
    const confined = container({ securityContext: { privileged: true, readOnlyRootFilesystem: true } });
    await rig.run({ containers: [confined] });
    await rig.runtime.stopContainer(await rig.untilRunning(), 0);
    await rig.untilPod((pod) => (stateOf(pod)?.restartCount ?? 0) > 0, "restarted");
    assert.deepEqual(
      rig.events.filter(({ reason }) => reason === "NotIsolated").map(({ type, message }) => [type, message]),
      [
        [
          "Warning",
          "pods are plain processes on this node, where these have no effect: " +
            "spec.containers[0].securityContext.privileged, spec.containers[0].securityContext.readOnlyRootFilesystem",
        ],
      ],
    );
  });

  it("asks for pull secrets where they are followed, not the API", async () => {
    const ask = rig.context.images.ensure;
    let found: unknown = "not asked";
    Object.assign(rig.context.images, {
      ensure: async (request: Parameters<typeof ask>[0]) => {
        found = await request.credentialsFor({ registry: "registry.test", repository: "app", tag: "1" });
        return ask(request);
      },
    });
    const auths = { "registry.test": { username: "u", password: "p" } };
    const text = Buffer.from(JSON.stringify({ auths })).toString("base64");
    const secret = {
      type: "kubernetes.io/dockerconfigjson",
      metadata: { namespace: "n", name: "pull", uid: "s" },
      data: { ".dockerconfigjson": text },
    };
    Object.assign(rig.context.sources, {
      secret: async (_namespace: string, name: string) => (name === "pull" ? secret : undefined),
    });
    await rig.run({ imagePullSecrets: [{ name: "gone" }, { name: "pull" }, { name: "lost" }] });
    await rig.untilRunning();
    assert.ok(Array.isArray(found));
    assert.deepEqual(
      found.map(({ username, password, secret: { uid } }) => [username, password, uid]),
      [["u", "p", "s"]],
    );
    assert.deepEqual(
      rig.events.filter(({ reason }) => reason.startsWith("Failed")).map(({ message }) => message),
      [
        "Unable to retrieve some image pull secrets (gone, lost); attempting to pull the image may not succeed.",
      ],
    );
  });

  describe("while the API does not answer as it should", () => {
    const away = (answer: () => Promise<never>) => {
      rig.api.intercept = async ({ verb }) => (verb === "get" || verb === "watch" ? undefined : answer());
    };

    for (const [how, answer] of [
      ["hangs", () => rig.hung],
      ["is away", () => Promise.reject(new ConnectionError("refused", { neverSent: true }))],
      [
        "refuses every status",
        () => Promise.reject(new ApiError(422, { code: 422, reason: "Invalid" } as never)),
      ],
    ] as const) {
      it(`restarts a container again and again: the API ${how}`, async () => {
        await rig.run();
        const first = await rig.untilRunning();
        away(answer);
        rig.runtime.exit(first, 1);
        const second = await rig.untilRunning("c", first);
        rig.runtime.exit(second, 1);
        await rig.untilRunning("c", second);
      });

      it(`kills what fails its liveness probe: the API ${how}`, async () => {
        const probe = { exec: { command: ["live"] }, periodSeconds: 1, failureThreshold: 1 };
        await rig.run({ containers: [container({ livenessProbe: probe })] });
        const first = await rig.untilRunning();
        away(answer);
        rig.runtime.exit(first, 1);
        const second = await rig.untilRunning("c", first);
        rig.runtime.onExec = () => 1;
        await rig.later(() => ended(second), "killed");
      });
    }

    it("sends the newest status once it is back, and none of those between", async () => {
      await rig.run();
      const first = await rig.untilRunning();
      await rig.untilPod((one) => stateOf(one)?.state?.running !== undefined, "running");
      let tried = "";
      rig.api.intercept = async ({ verb, body }) => {
        if (verb === "get" || verb === "watch") return undefined;
        tried = JSON.stringify(body);
        throw new ConnectionError("refused", { neverSent: true });
      };
      rig.runtime.exit(first, 1);
      const second = await rig.untilRunning("c", first);
      rig.runtime.exit(second, 7);
      await rig.later(
        () => (tried.includes("CrashLoopBackOff") && tried.includes('"exitCode":7')) || undefined,
        "the last of the statuses tried in vain",
      );
      rig.api.actions.length = 0;
      rig.api.intercept = async () => undefined;
      const pod = await rig.untilPod((one) => stateOf(one)?.restartCount === 1, "told");
      assert.equal(stateOf(pod)?.lastState?.terminated?.exitCode, 7);
      assert.equal(rig.api.actions.length, 1);
    });

    it("lets a pod go whose last status is refused", async () => {
      await rig.run();
      await rig.untilRunning();
      rig.api.intercept = async ({ verb }) => {
        if (verb === "patch") throw new ApiError(422, { code: 422, reason: "Invalid" } as never);
        return undefined;
      };
      await rig.api.update(resources.pods, {
        ...(await rig.pod()),
        metadata: {
          ...(await rig.pod()).metadata,
          deletionTimestamp: "2026-01-01T00:00:00Z",
          finalizers: ["held"],
        },
      } as never);
      await rig.until(() => rig.api.actions.some(({ verb }) => verb === "delete") || undefined, "deletion");
    });
  });

  describe("stops within a grace that can be shortened", () => {
    const remove = async (seconds: number) => {
      const pod = await rig.pod();
      const deletionTimestamp = new Date(rig.clock.wallMs() + seconds * 1000).toISOString();
      const metadata = {
        ...pod.metadata,
        deletionTimestamp,
        deletionGracePeriodSeconds: seconds,
        finalizers: ["x"],
      };
      await rig.api.update(resources.pods, { ...pod, metadata });
    };
    const killing = () =>
      rig.later(() => rig.events.some(({ reason }) => reason === "Killing") || undefined, "Killing");

    beforeEach(() => rig.runtime.deaf.add("c"));

    /** Of a grace of 600 s; the least that a container has is 2 s. */
    const endsSoon = async (id: string) => {
      const beganMs = rig.clock.monotonicMs();
      await rig.later(() => ended(id), "killed");
      const tookMs = rig.clock.monotonicMs() - beganMs;
      assert.ok(tookMs >= 1_800 && tookMs < 300_000, `it took ${tookMs} ms`);
    };

    it("by a second deletion with less of it", async () => {
      await rig.run({ terminationGracePeriodSeconds: 600 });
      const id = await rig.untilRunning();
      await remove(600);
      await killing();
      await remove(5);
      await endsSoon(id);
    });

    it("by a deletion by force, after which the pod is gone from the API", async () => {
      await rig.run({ terminationGracePeriodSeconds: 600 });
      const id = await rig.untilRunning();
      await remove(600);
      await killing();
      await rig.patch({ metadata: { finalizers: null } });
      await assert.rejects(rig.pod(), isNotFound);
      await endsSoon(id);
    });

    it("by a deletion by force of a pod that was not being stopped", async () => {
      await rig.run({ terminationGracePeriodSeconds: 600 });
      const id = await rig.untilRunning();
      await rig.api.delete(resources.pods, ref, { gracePeriodSeconds: 0 });
      await endsSoon(id);
    });

    for (const [what, preStop] of [
      ["sleeps", { sleep: { seconds: 500 } }],
      ["runs", { exec: { command: ["hook"] } }],
    ] satisfies [string, Hook][])
      it(`also while the hook before the stop ${what}`, async () => {
        const { execSync } = rig.runtime;
        rig.runtime.execSync = async () => rig.hung;
        await rig.run({
          terminationGracePeriodSeconds: 600,
          containers: [container({ lifecycle: { preStop } })],
        });
        const id = await rig.untilRunning();
        await remove(600);
        await killing();
        await remove(1);
        await endsSoon(id);
        rig.runtime.execSync = execSync;
      });

    it("also when it is a failed probe that stops the container", async () => {
      const probe = { exec: { command: ["live"] }, periodSeconds: 1, failureThreshold: 1 };
      const livenessProbe = { ...probe, terminationGracePeriodSeconds: 500 };
      await rig.run({ containers: [container({ livenessProbe })] });
      const id = await rig.untilRunning();
      await rig.untilPod((one) => stateOf(one)?.ready, "ready");
      rig.runtime.onExec = () => 1;
      await killing();
      await remove(3);
      await endsSoon(id);
    });

    it("gives a failed startup probe the grace that this probe names", async () => {
      const probe = { exec: { command: ["x"] }, periodSeconds: 1, failureThreshold: 1 };
      const startupProbe = { ...probe, terminationGracePeriodSeconds: 4 };
      const livenessProbe = { ...probe, terminationGracePeriodSeconds: 600 };
      rig.runtime.onExec = () => 1;
      await rig.run({ containers: [container({ startupProbe, livenessProbe })] });
      const id = await rig.untilRunning();
      await killing();
      await endsSoon(id);
    });

    it("and does not hold up the agent's own end", async () => {
      await rig.run({ terminationGracePeriodSeconds: 600 });
      const id = await rig.untilRunning();
      await remove(600);
      await killing();
      await rig.stopAgent();
      assert.equal(rig.runtime.containerStatus(id)?.state.phase, "running");
      await rig.clock.advance(600_000);
      assert.equal(rig.runtime.containerStatus(id)?.state.phase, "running", "no agent, no kill");
    });
  });

  describe("after a restart of the node", () => {
    const restartNode = async () => {
      await rig.stopAgent();
      for (const { id } of rig.runtime.listPodSandboxes()) await rig.runtime.stopPodSandbox(id);
    };
    const loseRecords = async () => {
      for (const { id } of rig.runtime.listPodSandboxes()) await rig.runtime.removePodSandbox(id);
    };

    for (const lost of [false, true]) {
      const records = lost ? "the runtime's records were lost" : "its records are there";
      it(`fails what never restarts and starts nothing: ${records}`, async () => {
        await rig.run({ restartPolicy: "Never" });
        await rig.untilRunning();
        await rig.untilPod((one) => stateOf(one)?.state?.running !== undefined, "running");
        await restartNode();
        if (lost) await loseRecords();
        let starts = 0;
        rig.runtime.onStart = () => void starts++;
        await rig.startAgent();
        const pod = await rig.untilPod(({ status }) => status?.phase === "Failed", "Failed");
        assert.equal(stateOf(pod)?.state?.terminated?.exitCode, 137);
        assert.equal(starts, 0);
      });

      it(`starts what always restarts again, counts it and tells of the run before: ${records}`, async () => {
        await rig.run();
        const first = await rig.untilRunning();
        await rig.untilPod((one) => stateOf(one)?.state?.running !== undefined, "running");
        await restartNode();
        if (lost) await loseRecords();
        await rig.startAgent();
        const pod = await rig.untilPod((one) => stateOf(one)?.restartCount === 1, "restarted");
        assert.equal(stateOf(pod)?.lastState?.terminated?.exitCode, 137);
        assert.equal(stateOf(pod)?.lastState?.terminated?.containerID, `oci://${first}`);
        const logs = rig.runtime.listContainers().map(({ logPath }) => logPath.split("/").at(-1));
        assert.deepEqual(logs, lost ? ["1.log"] : ["0.log", "1.log"]);
      });
    }

    it("goes on telling how a pod ended whose records were lost", async () => {
      await rig.run({ restartPolicy: "Never" });
      const first = await rig.untilRunning();
      rig.runtime.exit(first, 3);
      const before = await rig.untilPod(({ status }) => status?.phase === "Failed", "Failed");
      await restartNode();
      await loseRecords();
      await rig.startAgent();
      await rig.patch({ metadata: { labels: { touched: "yes" } } });
      await rig.until(() => (rig.runtime.listPodSandboxes().length === 0 ? true : undefined), "nothing runs");
      await rig.stopAgent();
      assert.deepEqual(stateOf(await rig.pod())?.state, stateOf(before)?.state);
    });
  });

  it("fails a pod whose deadline was set while it runs, with event, reason and message", async () => {
    await rig.run();
    await rig.untilRunning();
    await rig.untilPod((one) => stateOf(one)?.state?.running !== undefined, "running");
    await rig.clock.advance(20_000);
    await rig.patch({ spec: { activeDeadlineSeconds: 10 } });
    const pod = await rig.untilPod(({ status }) => status?.phase === "Failed", "Failed");
    const message = "Pod was active on the node longer than the specified deadline";
    assert.deepEqual([pod.status?.reason, pod.status?.message], ["DeadlineExceeded", message]);
    const said = rig.events.filter(({ reason }) => reason === "DeadlineExceeded");
    assert.deepEqual(said, [{ type: "Normal", reason: "DeadlineExceeded", message }]);
    assert.equal(stateOf(pod)?.state?.terminated?.exitCode, 143);
    assert.equal((await rig.api.get(resources.pods, ref)).status?.phase, "Failed");
  });
});
