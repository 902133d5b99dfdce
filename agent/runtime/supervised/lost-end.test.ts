import { strict as assert } from "node:assert";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Clock, systemClock } from "../../../base/os/clock.ts";
import { systemDisk } from "../../../base/os/disk.ts";
import { silentLog } from "../../../base/os/log.ts";
import { MetricsRegistry } from "../../../base/os/metrics.ts";
import { systemRandom } from "../../../base/os/random.ts";
import { openLoopbackPods } from "../../network/loopback-pods.ts";
import { processLauncher } from "../process/launcher.ts";
import { containerConfig, sandboxConfig } from "../suite-configs.ts";
import { parseStarted, type StartedRecord } from "./records.ts";
import { SupervisedRuntime } from "./runtime.ts";

/** Waits are a twentieth as long. */
const quickClock: Clock = { ...systemClock, after: (ms, then) => systemClock.after(ms / 20, then) };

describe("SupervisedRuntime, when a shim does not note its container's end", function () {
  this.timeout(120_000);
  let root: string;
  let runtime: SupervisedRuntime;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "pintle-lost-end-"));
    const os = {
      clock: quickClock,
      disk: systemDisk,
      random: systemRandom,
      log: silentLog,
      metrics: new MetricsRegistry(),
    };
    const network = openLoopbackPods({
      nodeName: "t",
      nodeIp: "127.0.0.1",
      podCidr: "127.77.0.0/24",
      stateDir: "/nowhere",
      mode: "loopback",
    });
    runtime = await SupervisedRuntime.open({ rootDir: root }, { launcher: processLauncher(), network, os });
  });
  afterEach(async () => {
    for (const { id } of runtime.listPodSandboxes()) await runtime.removePodSandbox(id);
    await runtime.close();
    await rm(root, { recursive: true, force: true });
  });

  /** A running container whose shim sleeps for good. */
  const withSleepingShim = async (): Promise<{ id: string; started: StartedRecord }> => {
    const sandbox = await runtime.runPodSandbox(sandboxConfig("p"));
    await mkdir(join(root, "logs"));
    const config = containerConfig(["sleep", "1000"], join(root, "logs", "0.log"));
    const id = await runtime.createContainer(sandbox, config);
    await runtime.startContainer(id);
    const started = parseStarted(await readFile(join(root, "containers", id, "started"), "utf8"));
    process.kill(started.shim.pid, "SIGSTOP");
    return { id, started };
  };
  const reasonOf = (id: string) => {
    const state = runtime.containerStatus(id)?.state;
    return state?.phase === "exited" ? `${state.exitCode} ${state.reason}` : state?.phase;
  };

  it("stopContainer ends all the same", async () => {
    const { id } = await withSleepingShim();
    await runtime.stopContainer(id, 0);
    assert.equal(reasonOf(id), "137 ContainerStatusUnknown");
  });

  it("finds the end by itself and tells it", async () => {
    const { id, started } = await withSleepingShim();
    const told = new Promise<string>((resolve) => runtime.subscribe((event) => resolve(event.id)));
    process.kill(started.process.pid, "SIGKILL");
    assert.equal(await told, id);
    assert.equal(reasonOf(id), "137 ContainerStatusUnknown");
  });
});
