import { strict as assert } from "node:assert";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { systemClock } from "../../../base/os/clock.ts";
import { systemDisk } from "../../../base/os/disk.ts";
import { silentLog } from "../../../base/os/log.ts";
import { MetricsRegistry } from "../../../base/os/metrics.ts";
import { systemRandom } from "../../../base/os/random.ts";
import { openLoopbackPods } from "../../network/loopback-pods.ts";
import type { Runtime } from "../seam.ts";
import { runtimeSuite } from "../suite.ts";
import { containerConfig, sandboxConfig } from "../suite-configs.ts";
import { findCri, openCriRuntime } from "./open-cri.ts";
import { hostPrograms, startContainerd, type TestContainerd, testImage } from "./testing/containerd.ts";

const os = {
  clock: systemClock,
  disk: systemDisk,
  random: systemRandom,
  log: silentLog,
  metrics: new MetricsRegistry(),
};

describe("with containerd", function () {
  this.timeout(120_000);
  let containerd: TestContainerd | undefined;
  before(async function () {
    containerd = await startContainerd();
    if (containerd === undefined) this.skip();
  });
  after(() => containerd?.stop());

  const image = { image: testImage, imageId: testImage, mounts: hostPrograms, stopSignal: "" };
  const open = async (rootDir: string): Promise<Runtime> => {
    if (containerd === undefined) throw new Error("unreachable");
    const { endpoint, cniConfDir, cniBinDir } = containerd;
    // Connects nothing: what is tested is the runtime. Addresses are handed out all the same.
    const network = openLoopbackPods({
      nodeName: "t",
      nodeIp: "127.0.0.1",
      podCidr: "127.77.0.0/24",
      stateDir: "/nowhere",
      mode: "loopback",
    });
    const found = await findCri({ endpoint, nodeName: `test-${process.pid}`, cniConfDir, cniBinDir }, os);
    return openCriRuntime({ rootDir, found }, { network, os });
  };
  const supports = { runs: true, isolates: true, image, recursiveReadOnly: false, stopSignals: false };
  runtimeSuite("containerd", supports, open);

  it("connects to a pod's ports, takes what is said at an input, and keeps what a resize noted", async () => {
    const root = await mkdtemp(join(tmpdir(), "pintle-runtime-"));
    let runtime = await open(root);
    try {
      const sandbox = await runtime.runPodSandbox(sandboxConfig("ports"));
      const script =
        "(/busybox httpd -f -p 127.0.0.1:8080 -h /etc &); read line; echo said $line > /etc/said; exec sleep 100";
      const config = { ...containerConfig(["/bin/sh", "-c", script], join(root, "0.log")), ...image };
      const id = await runtime.createContainer(sandbox, { ...config, stdin: true, stdinOnce: true });
      await runtime.startContainer(id);
      const { stdin } = await runtime.attach(id);
      stdin?.end("a word\n");
      const ask = async (path: string) => {
        const connection = await runtime.connectPort(sandbox, 8080);
        connection.end(`GET ${path} HTTP/1.0\r\n\r\n`);
        return text(connection).catch(String);
      };
      let answer = "";
      while (!answer.includes("said a word")) answer = await ask("/said");
      assert.match(answer, /^HTTP\/1\.[01] 200 OK/);
      const nobody = await runtime.connectPort(sandbox, 1);
      await assert.rejects(text(nobody), /refused/);

      const resources = { ...config.resources, memoryBytesMost: 256 << 20, cpus: "0" };
      await runtime.updateContainer(id, resources, { resources: "new" });
      assert.equal(runtime.containerStatus(id)?.annotations.resources, "new");
      const words = ["/busybox", "grep", "Cpus_allowed_list", "/proc/self/status"];
      const { stdout } = await runtime.execSync(id, words, 60_000);
      assert.equal(Buffer.from(stdout).toString(), "Cpus_allowed_list:\t0\n");
      assert.ok((await runtime.containerStats(id)).workingSetBytes > 0);
      await runtime.close();
      runtime = await open(root);
      assert.equal(runtime.containerStatus(id)?.annotations.resources, "new");
    } finally {
      for (const { id } of runtime.listPodSandboxes()) await runtime.removePodSandbox(id);
      await runtime.close();
      await rm(root, { recursive: true, force: true });
    }
  });
});
