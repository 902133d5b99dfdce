import { strict as assert } from "node:assert";
import { createHash } from "node:crypto";
import { chmod, copyFile, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../../base/os/clock.ts";
import { systemDisk } from "../../../base/os/disk.ts";
import { silentLog } from "../../../base/os/log.ts";
import { MetricsRegistry } from "../../../base/os/metrics.ts";
import { systemRandom } from "../../../base/os/random.ts";
import { openLoopbackPods } from "../../network/loopback-pods.ts";
import { chooseRuntime, findProgram } from "../choose.ts";
import type { ContainerConfig } from "../seam.ts";
import { containerConfig, sandboxConfig } from "../suite-configs.ts";
import { mustRun } from "../supervised/run-command.ts";
import { SupervisedRuntime } from "../supervised/runtime.ts";
import { removeGroup } from "./cgroups.ts";
import { ociLauncher } from "./launcher.ts";
import { overlayFilesystems } from "./root-filesystem.ts";

const deps = {
  clock: systemClock,
  disk: systemDisk,
  random: systemRandom,
  log: silentLog,
  metrics: new MetricsRegistry(),
};
/** Of Debian's busybox-static: the one program of an image that shows nothing of the host. */
const busybox = findProgram("busybox");

for (const program of ["crun", "runc"])
  describe(`a hostile container, run by ${program}`, function () {
    this.timeout(120_000);
    let dir: string;
    let image: string;
    let runtime: SupervisedRuntime;
    let clean: () => Promise<void>;
    let runtimeFile: string;

    before(async function () {
      const isThere = busybox !== undefined && findProgram(program) !== undefined;
      if (process.getuid?.() !== 0 || !isThere) return this.skip();
      dir = await mkdtemp(join(tmpdir(), "pintle-hostile-"));
      await chmod(dir, 0o711);
      const rootDir = join(dir, "root");
      image = join(dir, "image");
      await mkdir(join(image, "bin"), { recursive: true });
      await copyFile(busybox, join(image, "bin", "busybox"));
      for (const name of [
        "sh",
        "ls",
        "cat",
        "mknod",
        "dd",
        "mount",
        "grep",
        "readlink",
        "touch",
        "kill",
        "find",
      ])
        await symlink("busybox", join(image, "bin", name));
      const nodeName = `hostile-${program}-${process.pid}`;
      const chosen = await chooseRuntime({ runtime: "oci", ociRuntime: program, rootDir, nodeName });
      assert.equal(chosen.kind, "oci");
      if (chosen.kind !== "oci") return;
      runtimeFile = chosen.config.program;
      const filesystems = overlayFilesystems({ lowerDirs: async () => [image] });
      const network = openLoopbackPods({
        nodeName,
        nodeIp: "127.0.0.1",
        podCidr: "127.78.0.0/24",
        stateDir: "/nowhere",
        mode: "loopback",
      });
      const launcher = ociLauncher(chosen.config, { filesystems });
      runtime = await SupervisedRuntime.open({ rootDir }, { launcher, network, os: deps });
      clean = async () => {
        for (const { id } of runtime.listPodSandboxes()) await runtime.removePodSandbox(id);
        await runtime.close();
        await removeGroup(chosen.config.cgroups, chosen.config.cgroupParent);
      };
    });
    after(async () => {
      await clean?.();
      if (dir !== undefined) await mustRun(["rm", "-rf", "--", dir]);
    });

    let pods = 0;
    /** Runs it to its end; answers all that it said, and its container. */
    const run = async (command: readonly string[], more: Partial<ContainerConfig> = {}) => {
      const sandbox = await runtime.runPodSandbox(sandboxConfig(`hostile-${++pods}`));
      const config = {
        ...containerConfig(command, join(dir, "logs", String(pods), "0.log")),
        env: [["PATH", "/bin"]] as const,
        annotations: { podUid: `uid-hostile-${pods}`, podName: "pod", podNamespace: "default" },
        ...more,
      };
      const id = await runtime.createContainer(sandbox, config);
      const ended = new Promise<void>((resolve) => {
        const off = runtime.subscribe((event) => {
          if (event.id !== id) return;
          off();
          resolve();
        });
      });
      await runtime.startContainer(id);
      await ended;
      const log = (await readFile(config.logPath, "utf8")).replace(/^\S+ std(out|err) [FP] /gm, "");
      return { log, id, sandbox };
    };
    const shell = (script: string, more: Partial<ContainerConfig> = {}) => run(["sh", "-c", script], more);

    it("opens no device of the host's, by whatever name it makes one", async () => {
      const { log } = await shell(`
        for kind in "c 1 1" "c 1 2" "c 1 4" "c 10 237" "b 7 0" "b 8 0" "b 253 0" "c 10 200" "c 4 64"; do
          mknod /node $kind && (dd if=/node of=/dev/null bs=1 count=1 2>/dev/null && echo "OPENED $kind"; rm -f /node)
        done
        ls /dev; echo done`);
      assert.match(log, /^done$/m);
      assert.doesNotMatch(log, /OPENED/);
      assert.doesNotMatch(log, /^(mem|kmem|kmsg|sd\w|loop.*|nvme.*|vd\w|fuse)$/m);
    });

    it("changes nothing of the kernel's through /proc, /sys or its control groups, and reads none of its memory", async () => {
      const kept = await readFile("/proc/sys/kernel/core_pattern", "utf8");
      const { log } = await shell(`
        for file in /proc/sys/kernel/core_pattern /proc/sys/kernel/modprobe /proc/sys/vm/panic_on_oom /proc/sysrq-trigger \\
            /proc/irq/default_smp_affinity /sys/kernel/uevent_helper /sys/kernel/mm/transparent_hugepage/enabled; do
          test -e $file && echo x > $file && echo "WROTE $file"
        done
        for file in $(find /sys/fs/cgroup -name release_agent -o -name cgroup.procs -o -name devices.allow); do
          echo 1 > $file && echo "WROTE $file"
        done
        mkdir /sys/fs/cgroup/memory/mine /sys/fs/cgroup/mine && echo "MADE a group"
        mount -t proc proc /mnt && echo MOUNTED; mount -o remount,rw /sys && echo MOUNTED
        for file in /proc/kcore /proc/keys /proc/timer_list; do
          test -e $file && dd if=$file bs=16 count=1 2>/dev/null | grep -q . && echo "READ $file"
        done; echo done`);
      assert.match(log, /^done$/m);
      assert.doesNotMatch(log, /WROTE|MADE|MOUNTED|READ /);
      assert.equal(await readFile("/proc/sys/kernel/core_pattern", "utf8"), kept);
    });

    it("sees no process, file or folder but its own through /proc", async () => {
      const { log } = await shell(`
        ls -d /proc/[0-9]*; for link in /proc/[0-9]*/root /proc/[0-9]*/cwd /proc/self/fd/*; do readlink $link; done
        ls /proc/1/root; kill -0 ${process.pid} && echo KILLABLE; echo done`);
      assert.match(log, /^done$/m);
      assert.doesNotMatch(log, /KILLABLE/);
      const pids = log.match(/^\/proc\/\d+$/gm) ?? [];
      assert.ok(pids.length < 4, pids.join());
      assert.ok(!log.includes(dir), log);
      assert.doesNotMatch(log, /^(home|root|usr|boot)$/m);
    });

    it("begins in no folder that its runtime has open, and cannot change the runtime's own program", async () => {
      const digest = async () =>
        createHash("sha256")
          .update(await readFile(runtimeFile))
          .digest("hex");
      const before = await digest();
      await writeFile(join(dir, "of-the-host"), "seen");
      const climb = Array.from({ length: 9 }, (_, depth) => "../".repeat(depth + 1)).join(" ");
      const script = `for up in ${climb}; do ls $up 2>/dev/null; done; echo ended`;
      for (let descriptor = 3; descriptor < 11; descriptor++) {
        const said = await shell(script, { workingDir: `/proc/self/fd/${descriptor}` }).then(
          ({ log }) => log,
          () => "",
        );
        assert.doesNotMatch(said, /^(home|boot|of-the-host)$/m, `descriptor ${descriptor}`);
      }
      // The runtime's program is what this names while a container is being made of it.
      await run(["/proc/self/exe"]).catch(() => undefined);
      await shell("echo x > /proc/self/exe; for one in /proc/[0-9]*/exe; do echo x > $one; done");
      assert.equal(await digest(), before);
    });

    it("leads no mount and no file of ours out of its root by links of its image", async () => {
      const outside = join(dir, "outside");
      await mkdir(outside);
      await symlink(outside, join(image, "etc"));
      await symlink(`../../../../../../../..${outside}`, join(image, "data"));
      await mkdir(join(dir, "volume"));
      await writeFile(join(dir, "volume", "file"), "mine");
      const mounts = [
        { hostPath: join(dir, "volume"), containerPath: "/data/deep", readOnly: false },
        { hostPath: join(dir, "volume", "file"), containerPath: "/data/file", readOnly: false },
      ];
      const said = await shell("cat /data/deep/file /data/file; echo; cat /etc/hostname", { mounts }).then(
        ({ log }) => log,
        String,
      );
      // It may be refused; where it starts, all is where it would be were that root the only one.
      if (!/cannot start/.test(said)) assert.match(said, /^minemine$/m);
      assert.deepEqual(await readdir(outside), []);
      const table = await readFile("/proc/self/mountinfo", "utf8");
      assert.ok(!table.includes(` ${outside}`));
      for (const name of ["etc", "data"]) await rm(join(image, name));
    });

    it("goes with all that it wrote, however deep and however closed", async () => {
      const chain = Array.from({ length: 15 }, () => "d".repeat(200)).join("/");
      const { log, id, sandbox } = await shell(`
        busybox mkdir -p /one/${chain} /two/${chain} /closed && touch /two/${chain}/last /closed/file || echo FAILED
        busybox mv /two /one/${chain}/two || echo FAILED
        busybox chmod 0 /closed /one; echo done`);
      assert.match(log, /^done$/m);
      assert.doesNotMatch(log, /FAILED/);
      await runtime.removePodSandbox(sandbox);
      const left = await readdir(join(dir, "root", "containers"));
      assert.ok(!left.includes(id), left.join());
    });
  });
