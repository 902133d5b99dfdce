import { strict as assert } from "node:assert";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../../base/os/clock.ts";
import { systemDisk } from "../../../base/os/disk.ts";
import { silentLog } from "../../../base/os/log.ts";
import { MetricsRegistry } from "../../../base/os/metrics.ts";
import { systemRandom } from "../../../base/os/random.ts";
import { openLoopbackPods } from "../../network/loopback-pods.ts";
import { chooseRuntime } from "../choose.ts";
import { removeGroup } from "../oci/cgroups.ts";
import { ociLauncher } from "../oci/launcher.ts";
import { overlayFilesystems } from "../oci/root-filesystem.ts";
import { processLauncher } from "../process/launcher.ts";
import { runtimeSuite } from "../suite.ts";
import { containerConfig, sandboxConfig } from "../suite-configs.ts";
import { mustRun, runCommand } from "./run-command.ts";
import { SupervisedRuntime } from "./runtime.ts";

const os = {
  clock: systemClock,
  disk: systemDisk,
  random: systemRandom,
  log: silentLog,
  metrics: new MetricsRegistry(),
};
// Connects nothing: what is tested is the runtime. Addresses are handed out all the same.
const network = () =>
  openLoopbackPods({
    nodeName: "t",
    nodeIp: "127.0.0.1",
    podCidr: "127.77.0.0/24",
    stateDir: "/nowhere",
    mode: "loopback",
  });

runtimeSuite("process", { runs: true, isolates: false }, (rootDir) =>
  SupervisedRuntime.open({ rootDir }, { launcher: processLauncher(), network: network(), os }),
);

for (const program of ["crun", "runc"])
  describe(`with ${program}`, () => {
    const ends: (() => Promise<void>)[] = [];
    after(async () => {
      for (const end of ends.splice(0)) await end();
    });
    before(async function () {
      const chosen = await chooseRuntime({
        runtime: "auto",
        ociRuntime: program,
        rootDir: "/tmp/pintle-try",
        nodeName: "t",
      });
      if (chosen.kind !== "oci") this.skip();
    });
    runtimeSuite(program, { runs: true, isolates: true }, async (rootDir) => {
      const chosen = await chooseRuntime({
        runtime: "oci",
        ociRuntime: program,
        rootDir,
        nodeName: `test-${process.pid}`,
      });
      if (chosen.kind !== "oci") throw new Error("unreachable");
      const { cgroups, cgroupParent } = chosen.config;
      ends.push(() => removeGroup(cgroups, cgroupParent));
      const filesystems = overlayFilesystems({ lowerDirs: async () => ["/"] });
      const launcher = ociLauncher(chosen.config, { filesystems });
      return SupervisedRuntime.open({ rootDir }, { launcher, network: network(), os });
    });
  });

describe("a container that an agent died making", () => {
  it("is gone with the next one, but nothing that was mounted for it", async function () {
    if (process.getuid?.() !== 0) this.skip();
    const rootDir = await mkdtemp(join(tmpdir(), "pintle-half-"));
    const volume = await mkdtemp(join(tmpdir(), "pintle-volume-"));
    await writeFile(join(volume, "file"), "kept");
    const at = join(rootDir, "containers", "half", "mounts", "0");
    await mkdir(at, { recursive: true });
    await mustRun(["mount", "--bind", volume, at]);
    try {
      const filesystems = overlayFilesystems({ lowerDirs: async () => ["/"] });
      const launcher = { ...processLauncher(), abandon: (dir: string) => filesystems.unmount(dir) };
      const runtime = await SupervisedRuntime.open({ rootDir }, { launcher, network: network(), os });
      await runtime.close();
      assert.deepEqual(await readdir(join(rootDir, "containers")), []);
      assert.equal(await readFile(join(volume, "file"), "utf8"), "kept");
    } finally {
      await runCommand(["umount", "-l", at]);
      await rm(rootDir, { recursive: true, force: true });
      await rm(volume, { recursive: true, force: true });
    }
  });
});

describe("pintle.local/host in containers", function () {
  this.timeout(120_000);

  it("does not show the folders that are hidden", async function () {
    const rootDir = await mkdtemp(join(tmpdir(), "pintle-hidden-"));
    const chosen = await chooseRuntime({ runtime: "auto", rootDir, nodeName: `hide-${process.pid}` });
    if (chosen.kind !== "oci") this.skip();
    const secrets = await mkdtemp(join(tmpdir(), "pintle-secrets-"));
    await writeFile(join(secrets, "ca-key.pem"), "key");
    const filesystems = overlayFilesystems({ lowerDirs: async () => ["/"] });
    const launcher = ociLauncher({ ...chosen.config, hidden: ["/root", secrets] }, { filesystems });
    const runtime = await SupervisedRuntime.open({ rootDir }, { launcher, network: network(), os });
    try {
      const sandbox = await runtime.runPodSandbox(sandboxConfig("hidden"));
      const log = join(rootDir, "logs", "0.log");
      const id = await runtime.createContainer(sandbox, containerConfig(["sleep", "100"], log));
      await runtime.startContainer(id);
      const { stdout } = await runtime.execSync(id, ["ls", "-A", secrets], 60_000);
      assert.equal(Buffer.from(stdout).toString(), "");
    } finally {
      for (const { id } of runtime.listPodSandboxes()) await runtime.removePodSandbox(id);
      await runtime.close();
      await removeGroup(chosen.config.cgroups, chosen.config.cgroupParent);
      for (const path of [rootDir, secrets]) await rm(path, { recursive: true, force: true });
    }
  });
});

describe("a container's log", function () {
  this.timeout(60_000);

  it("goes on in another file once it is full, and so many files are kept", async () => {
    const rootDir = await mkdtemp(join(tmpdir(), "pintle-logs-"));
    const logs = { logBytesMost: 100, filesMost: 2 };
    const launcher = processLauncher();
    const runtime = await SupervisedRuntime.open({ rootDir, logs }, { launcher, network: network(), os });
    try {
      const sandbox = await runtime.runPodSandbox(sandboxConfig("logs"));
      const log = join(rootDir, "logs", "0.log");
      const script = "for n in 1 2 3 4 5; do echo line-$n-of-some-length; sleep 0.02; done";
      const id = await runtime.createContainer(sandbox, containerConfig(["/bin/sh", "-c", script], log));
      const ended = new Promise<void>((resolve) => {
        runtime.subscribe((event) => event.id === id && resolve());
      });
      await runtime.startContainer(id);
      await ended;
      assert.deepEqual((await readdir(join(rootDir, "logs"))).sort(), ["0.log", "0.log.1"]);
      const said = await Promise.all([`${log}.1`, log].map((path) => readFile(path, "utf8")));
      assert.match(said.join(""), /line-5-of-some-length\n$/);
      assert.ok(said.every((text) => text.length <= logs.logBytesMost));
    } finally {
      for (const { id } of runtime.listPodSandboxes()) await runtime.removePodSandbox(id);
      await runtime.close();
      await rm(rootDir, { recursive: true, force: true });
    }
  });
});
