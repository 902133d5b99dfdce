import { strict as assert } from "node:assert";
import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { release, tmpdir } from "node:os";
import { join } from "node:path";
import { sleep, systemClock } from "../../base/os/clock.ts";
import { supportsRecursiveReadOnly } from "./oci/recursive-read-only.ts";
import type { ContainerConfig, Runtime, RuntimeContainer } from "./seam.ts";
import { containerConfig, sandboxConfig } from "./suite-configs.ts";
import { mustRun } from "./supervised/run-command.ts";

export interface SuiteSupport {
  /** Commands really run; else only states are checked. */
  readonly runs: boolean;
  /** Memory limits and namespaces. */
  readonly isolates: boolean;
  /** Where its images are its own: one that shows the host's programs, with these mounts. */
  readonly image?: Pick<ContainerConfig, "image" | "imageId" | "mounts" | "stopSignal">;
  /** False: containers end by the signal of their image alone. */
  readonly stopSignals?: boolean;
  /** False: mounts cannot be read-only with all that is mounted in them. Else its description tells. */
  readonly recursiveReadOnly?: boolean;
}

/** What every Runtime does. `open` is called again on the same folder to stand for a restarted agent. */
export function runtimeSuite(
  name: string,
  supports: SuiteSupport,
  open: (rootDir: string) => Promise<Runtime>,
): void {
  describe(`runtime: ${name}`, function () {
    this.timeout(120_000);
    let root: string;
    let runtime: Runtime;
    before(async () => {
      root = await mkdtemp(join(tmpdir(), "pintle-runtime-"));
      await chmod(root, 0o711); // as the agent's own folder: containers may run as anybody
      runtime = await open(root);
    });
    after(async () => {
      for (const { id } of runtime.listPodSandboxes()) await runtime.removePodSandbox(id);
      await runtime.close();
      await rm(root, { recursive: true, force: true });
    });

    // Two of a name in a pod are never of the same attempt.
    let attempts = 0;
    const shell = (script: string, more: Partial<ContainerConfig> = {}): ContainerConfig => ({
      ...containerConfig(["/bin/sh", "-c", script], join(root, "logs", randomUUID(), "0.log")),
      ...supports.image,
      attempt: attempts++,
      ...more,
      mounts: [...(supports.image?.mounts ?? []), ...(more.mounts ?? [])],
    });
    const start = async (sandbox: string, config: ContainerConfig) => {
      const id = await runtime.createContainer(sandbox, config);
      const ended = exitOf(runtime, id);
      await runtime.startContainer(id);
      return { id, ended };
    };

    /** A container that ignores SIGTERM and is ready to. */
    const startDeaf = async (name: string) => {
      const sandbox = await runtime.runPodSandbox(sandboxConfig(name));
      const shared = await mkdtemp(join(root, "shared-"));
      if (supports.runs) execFileSync("mkfifo", [join(shared, "deaf")]);
      const script = `trap '' TERM; echo > ${shared}/deaf; while :; do sleep 0.05; done`;
      const mounts = [{ hostPath: shared, containerPath: shared, readOnly: false }];
      const { id } = await start(sandbox, shell(script, { mounts }));
      if (supports.runs) await readFile(join(shared, "deaf"));
      return id;
    };
    const endOf = (id: string) => {
      const state = runtime.containerStatus(id)?.state;
      return state?.phase === "exited" ? state.exitCode : state?.phase;
    };

    it("gives a sandbox an address and forgets it", async () => {
      const id = await runtime.runPodSandbox(sandboxConfig("one"));
      const status = runtime.podSandboxStatus(id);
      assert.equal(status?.state, "ready");
      assert.match(status.podIp, /^\d+\.\d+\.\d+\.\d+$/);
      await runtime.stopPodSandbox(id);
      assert.equal(runtime.podSandboxStatus(id)?.state, "notready");
      await runtime.removePodSandbox(id);
      await runtime.removePodSandbox(id);
      assert.equal(runtime.podSandboxStatus(id), undefined);
    });

    it("stops a container that ignores SIGTERM after its grace", async () => {
      const id = await startDeaf("stop");
      assert.equal(runtime.containerStatus(id)?.state.phase, "running");
      await runtime.stopContainer(id, 0.2);
      assert.equal(endOf(id), 137);
      await runtime.stopContainer(id, 1);
      await runtime.removeContainer(id);
      assert.equal(runtime.containerStatus(id), undefined);
    });

    it("shortens a stop that is under way, and never lengthens it", async () => {
      const id = await startDeaf("shorter");
      const long = runtime.stopContainer(id, 600);
      const short = runtime.stopContainer(id, 0.2);
      await Promise.all([long, short, runtime.stopContainer(id, 900)]);
      assert.equal(endOf(id), 137);
    });

    it("gives up waiting for a stop when told to, and does not kill then", async () => {
      const id = await startDeaf("given-up");
      const stop = new AbortController();
      const stopping = runtime.stopContainer(id, 600, stop.signal);
      stop.abort(new Error("the agent ends"));
      await assert.rejects(stopping, /the agent ends/);
      assert.equal(endOf(id), "running");
      await runtime.stopContainer(id, 0);
      assert.equal(endOf(id), 137);
    });

    if (!supports.runs) return;

    it("asks a container to end with the signal that it names, or says that it cannot", async () => {
      const sandbox = await runtime.runPodSandbox(sandboxConfig("signal"));
      const shared = await mkdtemp(join(root, "shared-"));
      for (const [stopSignal, number] of Object.entries({ SIGUSR1: 10, "SIGRTMIN+3": 37 })) {
        execFileSync("mkfifo", [join(shared, stopSignal)]);
        const script = `trap 'exit 7' ${number}; echo > ${shared}/${stopSignal}; while :; do sleep 0.05; done`;
        const mounts = [{ hostPath: shared, containerPath: shared, readOnly: false }];
        const started = start(sandbox, shell(script, { mounts, stopSignal }));
        if (supports.stopSignals === false) {
          const message = `lifecycle.stopSignal: ${stopSignal} is not supported by this node's container runtime`;
          await assert.rejects(started, { message });
          continue;
        }
        const { id } = await started;
        await readFile(join(shared, stopSignal));
        await runtime.stopContainer(id, 600);
        assert.equal(endOf(id), 7);
      }
    });

    it("says how much a container wrote to its own root", async () => {
      const sandbox = await runtime.runPodSandbox(sandboxConfig("layer"));
      const script =
        "for n in 1 2 3 4 5; do : > f$n; done; head -c 2000000 /dev/urandom > written; exec sleep 100";
      const { id } = await start(sandbox, shell(script));
      // Some runtimes look only now and then.
      const { signal } = new AbortController();
      const written = async () => (await runtime.writtenBytes(id, signal)) ?? 0;
      while ((await written()) < 2_000_000) await sleep(systemClock, 20);
      assert.ok((await written()) < 4_000_000);
      while (((await runtime.writtenInodes(id, signal)) ?? 0) < 6) await sleep(systemClock, 20);
      assert.ok(((await runtime.containerStats(id)).processes ?? 1) >= 1);
      await runtime.removePodSandbox(sandbox);
      assert.equal(await runtime.writtenBytes(id, signal), undefined);
      assert.equal(await runtime.writtenInodes(id, signal), undefined);
    });

    it("tells exit codes and keeps both streams in the log", async () => {
      const sandbox = await runtime.runPodSandbox(sandboxConfig("logs"));
      const config = shell('echo "to $WHOM"; echo bad >&2; printf tail; exit 3', { env: [["WHOM", "a b"]] });
      const { id, ended } = await start(sandbox, config);
      const state = (await ended).state;
      assert.equal(state.phase === "exited" && `${state.exitCode} ${state.reason}`, "3 Error");
      const log = await readFile(config.logPath, "utf8");
      const stamp = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,9}Z /;
      const lines = log.trimEnd().split("\n");
      assert.ok(
        lines.every((line) => stamp.test(line)),
        log,
      );
      const plain = lines.map((line) => line.replace(stamp, ""));
      assert.deepEqual(
        plain.filter((line) => line.startsWith("stdout")),
        ["stdout F to a b", "stdout P tail"],
      );
      assert.ok(plain.includes("stderr F bad"), log);
      assert.equal(runtime.containerStatus(id)?.state.phase, "exited");
    });

    it("says why a container cannot start", async () => {
      const sandbox = await runtime.runPodSandbox(sandboxConfig("missing"));
      const config = { ...shell(""), command: ["/no/such/program"] };
      const id = await runtime.createContainer(sandbox, config);
      const ended = exitOf(runtime, id);
      const failure = await runtime.startContainer(id).then(() => undefined, String);
      if (failure !== undefined) return assert.match(failure, /no such file|not found/i);
      const { state } = await ended;
      assert.equal(state.phase === "exited" && state.exitCode, 127);
    });

    it("runs commands beside a container", async () => {
      const sandbox = await runtime.runPodSandbox(sandboxConfig("exec"));
      const { id } = await start(sandbox, shell("sleep 100", { env: [["A", "1"]] }));
      const result = await runtime.execSync(id, ["/bin/sh", "-c", "echo $A; echo e >&2; exit 7"], 60_000);
      assert.equal(result.exitCode, 7);
      assert.equal(Buffer.from(result.stdout).toString(), "1\n");
      assert.equal(Buffer.from(result.stderr).toString(), "e\n");
      // Of what a pod chose nothing reaches programs of ours.
      const perl = await start(sandbox, shell("exec sleep 100", { env: [["PERL5OPT", "-Mno::such"]] }));
      assert.equal((await runtime.execSync(perl.id, ["true"], 60_000)).exitCode, 0);
      const slow = await runtime.execSync(id, ["sleep", "30"], 300);
      assert.equal(slow.timedOut, true);
      const session = await runtime.exec(id, { command: ["cat"], stdin: true, tty: false });
      session.stdin?.end("through\n");
      let text = "";
      for await (const chunk of session.stdout) text += chunk;
      assert.equal(text, "through\n");
      assert.equal(await session.exited, 0);
    });

    it("gives a command beside a container a terminal: all that it says comes, and sizes told late do no harm", async function () {
      if (!supports.runs) this.skip();
      const sandbox = await runtime.runPodSandbox(sandboxConfig("terminal"));
      const { id } = await start(sandbox, shell("sleep 100"));
      const run = async (...script: readonly string[]) => {
        const session = await runtime.exec(id, {
          command: ["/bin/sh", "-c", script.join("; ")],
          stdin: true,
          tty: true,
        });
        let text = "";
        for await (const chunk of session.stdout) text += chunk;
        const exitCode = await session.exited;
        session.resize(100, 40);
        session.stdin?.end();
        session.kill();
        return { text, exitCode };
      };
      // Some at a time: what is written just before the end is lost, if anything is.
      for (let round = 0; round < 10; round++)
        for (const { text, exitCode } of await Promise.all(
          [1, 2, 3].map((n) => run("test -t 0 && test -t 1", `echo last of ${n}`, "exit 3")),
        )) {
          assert.match(text, /^last of [123]\r+\n$/); // runc may add one more, while it still sets up
          assert.equal(exitCode, 3);
        }
      const long = await run("i=0; while [ $i -lt 20000 ]; do echo $i; i=$((i+1)); done");
      assert.equal(long.text.split("\r\n").length, 20_001);
    });

    it("passes on the size of a terminal, what is typed there, and its end", async function () {
      if (!supports.runs) this.skip();
      const sandbox = await runtime.runPodSandbox(sandboxConfig("typing"));
      const { id } = await start(sandbox, shell("sleep 100"));
      // runc passes the size on when it gets to it.
      const sized = "until [ \"$(stty size)\" = '40 100' ]; do sleep 0.05; done; echo sized";
      const script = `read line; echo said $line; read line || echo over; ${sized}`;
      const session = await runtime.exec(id, { command: ["/bin/sh", "-c", script], stdin: true, tty: true });
      session.resize(100, 40);
      session.stdin?.write("hello\n");
      session.stdin?.end();
      let text = "";
      for await (const chunk of session.stdout) text += chunk;
      assert.match(text, /said hello\r\n[\s\S]*over\r\n[\s\S]*sized\r\n$/);
      assert.equal(await session.exited, 0);
    });

    it("runs as the user and group that it is given, and so does what is run beside it", async function () {
      if (process.getuid?.() !== 0) this.skip();
      const sandbox = await runtime.runPodSandbox(sandboxConfig("user"));
      for (const [uid, gid] of [
        [4321, 4322],
        [0, 4322],
      ] as const) {
        const user = { uid, gid, groups: [] };
        const wanted = `${uid}:${gid}:${gid}\n`;
        const script = "echo $(id -u):$(id -g):$(id -G)";
        const config = shell(script, { user });
        await (await start(sandbox, config)).ended;
        assert.equal((await readFile(config.logPath, "utf8")).replace(/^\S+ stdout F /, ""), wanted);
        const { id } = await start(sandbox, shell("exec sleep 100", { user }));
        const beside = await runtime.execSync(id, ["/bin/sh", "-c", script], 60_000);
        assert.equal(Buffer.from(beside.stdout).toString(), wanted);
      }
    });

    it("leaves containers running when the agent goes, and learns how they ended", async () => {
      const sandbox = await runtime.runPodSandbox(sandboxConfig("restart"));
      const staying = await start(sandbox, shell("while :; do sleep 0.1; done", { name: "staying" }));
      const leaving = await start(sandbox, shell("sleep 0.3; exit 5", { name: "leaving" }));
      const before = runtime.containerStatus(staying.id);
      await runtime.close();
      runtime = await open(root);
      assert.deepEqual(runtime.containerStatus(staying.id), before);
      assert.equal(runtime.podSandboxStatus(sandbox)?.state, "ready");
      // Its end may fall before, during or after the new agent's start.
      const heard = exitOf(runtime, leaving.id);
      const now = runtime.containerStatus(leaving.id);
      const { state } = now?.state.phase === "exited" ? now : await heard;
      assert.equal(state.phase === "exited" && state.exitCode, 5);
      await runtime.stopContainer(staying.id, 0);
    });

    if (!supports.isolates) return;

    it("gives a container its own processes, host name and network", async () => {
      const sandbox = await runtime.runPodSandbox(sandboxConfig("alone"));
      const { id } = await start(sandbox, shell("exec sleep 100"));
      const run = async (script: string) => {
        const { stdout } = await runtime.execSync(id, ["/bin/sh", "-c", script], 60_000);
        return Buffer.from(stdout).toString().trim();
      };
      assert.equal(await run("cat /proc/1/comm"), "sleep");
      assert.equal(await run("hostname; cat /etc/hostname"), "alone\nalone");
      assert.equal(await run("ls /sys/class/net"), "lo");
      assert.equal(await run("echo x > /root/written && cat /root/written"), "x");
      await assert.rejects(readFile("/root/written"), /ENOENT/);
    });

    it("starts Guaranteed and privileged containers whatever capability the host lacks", async () => {
      const sandbox = await runtime.runPodSandbox({ ...sandboxConfig("guaranteed"), privileged: true });
      const base = shell("cat /proc/self/oom_score_adj; grep CapBnd /proc/self/status");
      const configs = [
        { ...base, resources: { ...base.resources, oomScoreAdj: -997 } },
        { ...shell("true"), security: { ...base.security, privileged: true } },
      ];
      for (const config of configs) {
        const { state } = await (await start(sandbox, config)).ended;
        assert.equal(state.phase === "exited" && `${state.exitCode} ${state.message}`, "0 ");
      }
    });

    it("names the operation that failed when a container cannot be started", async () => {
      const sandbox = await runtime.runPodSandbox(sandboxConfig("fails"));
      const id = await runtime.createContainer(sandbox, { ...shell(""), workingDir: "/proc/1/nowhere" });
      await assert.rejects(
        runtime.startContainer(id),
        /^RuntimeError: \w+ cannot start the container: .*nowhere/,
      );
    });

    it("lets a pod's containers share their processes, which end with their container", async () => {
      const sandbox = await runtime.runPodSandbox({ ...sandboxConfig("shared"), sharedPid: true });
      const watcher = await start(sandbox, shell("exec sleep 4321"));
      // Leaves one behind that holds its output, and a dead child that nobody has waited for.
      const leaving = `sleep 7654 & exec perl -e '$| = 1; fork or exit; print "left"; open my $f, "<", "/proc/1/comm";
        print <$f>; system "cat /proc/[0-9]*/cmdline"'`;
      const config = shell(leaving);
      const { state } = await (await start(sandbox, config)).ended;
      assert.equal(state.phase === "exited" && state.exitCode, 0);
      const seen = (await logOf(config)).replaceAll("\0", " ");
      assert.match(seen, /^left(sleep|busybox)$/m, "the first process is the pod's, not the container's");
      assert.match(seen, /sleep 4321/);
      const script = "cat /proc/[0-9]*/cmdline; grep -h State: /proc/[0-9]*/status";
      const { stdout } = await runtime.execSync(watcher.id, ["/bin/sh", "-c", script], 60_000);
      const left = Buffer.from(stdout).toString().replaceAll("\0", " ");
      assert.match(left, /sleep 4321/);
      assert.doesNotMatch(left, /7654|zombie/);
      await runtime.stopContainer(watcher.id, 600);
      assert.equal(endOf(watcher.id), 143);
    });

    it("shows a container the processes of another that it names, and takes it along when that one ends", async () => {
      const sandbox = await runtime.runPodSandbox(sandboxConfig("seen"));
      const seen = await start(sandbox, shell("exec sleep 4329"));
      const looking = { ...shell("cat /proc/[0-9]*/cmdline; echo; exec sleep 4330"), pidOf: seen.id };
      const looker = await start(sandbox, looking);
      const { stdout } = await runtime.execSync(looker.id, ["/bin/sh", "-c", "cat /proc/1/cmdline"], 60_000);
      assert.match(Buffer.from(stdout).toString().replaceAll("\0", " "), /sleep 4329/);
      await runtime.stopContainer(seen.id, 0);
      const { state } = await looker.ended;
      assert.equal(state.phase === "exited" && state.exitCode, 137);
      assert.match((await logOf(looking)).replaceAll("\0", " "), /sleep 4329/);
      const late = { ...shell("true"), pidOf: seen.id };
      await assert.rejects(runtime.createContainer(sandbox, late), /is not running/);
    });

    it("ends with a container what it left on a host whose processes it shares", async () => {
      const sandbox = await runtime.runPodSandbox({ ...sandboxConfig("host-pid"), hostPid: true });
      const config = shell(`sleep 76543 & echo $!`);
      await (await start(sandbox, config)).ended;
      const pid = Number(await logOf(config));
      const left = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "gone");
      assert.doesNotMatch(left, /76543/);
    });

    if (supports.recursiveReadOnly !== false)
      it("mounts read-only, with what is mounted within where that is asked for", async function () {
        if (!supportsRecursiveReadOnly(runtime.description.replace("oci://", ""), release())) this.skip();
        const outer = await mkdtemp(join(root, "mounts-"));
        const inner = join(outer, "inner");
        await mkdir(inner);
        await mustRun(["mount", "-t", "tmpfs", "tmpfs", inner]);
        try {
          const sandbox = await runtime.runPodSandbox(sandboxConfig("mounts"));
          const written = async (recursively: boolean) => {
            const mount = { hostPath: outer, containerPath: "/mnt", readOnly: true, recursively };
            const config = shell(
              "for at in /mnt /mnt/inner; do touch $at/x 2>/dev/null && echo $at; done; true",
              {
                mounts: [mount],
              },
            );
            await (await start(sandbox, config)).ended;
            return logOf(config);
          };
          assert.equal(await written(false), "/mnt/inner\n");
          assert.equal(await written(true), "");
        } finally {
          await mustRun(["umount", inner]);
        }
      });

    it("shows the host's shared memory to a pod with the host's IPC namespace", async () => {
      const mine = await mkdtemp("/dev/shm/pintle-suite-");
      try {
        const sandbox = await runtime.runPodSandbox({ ...sandboxConfig("host-ipc"), hostIpc: true });
        const { state } = await (await start(sandbox, shell(`test -d ${mine}`))).ended;
        assert.equal(state.phase === "exited" && state.exitCode, 0);
      } finally {
        await rm(mine, { recursive: true });
      }
    });

    const withSeccomp = (config: ContainerConfig, seccomp: ContainerConfig["security"]["seccomp"]) => ({
      ...config,
      security: { ...config.security, addCapabilities: ["SYS_CHROOT"], seccomp },
    });
    const logOf = async ({ logPath }: ContainerConfig) =>
      (await readFile(logPath, "utf8")).replace(/^\S+ std(out|err) [FP] /gm, "");

    it("filters system calls by the runtime's default seccomp profile, in exec too", async () => {
      const sandbox = await runtime.runPodSandbox(sandboxConfig("filtered"));
      const script = `grep Seccomp: /proc/self/status; unshare -U true; mount -t tmpfs t /mnt
        perl -e 'print "keys: $!\\n" if syscall(250, 0, -3, 0) < 0'; chroot / echo rooted`;
      const config = withSeccomp(shell(script), { type: "RuntimeDefault" });
      await (await start(sandbox, config)).ended;
      const log = await logOf(config);
      assert.match(log, /^Seccomp:\s+2$/m);
      assert.match(log, /unshare failed: Operation not permitted/);
      if (process.arch === "x64") assert.match(log, /^keys: Operation not permitted$/m);
      assert.match(log, /^rooted$/m);
      const { id } = await start(sandbox, withSeccomp(shell("exec sleep 100"), { type: "RuntimeDefault" }));
      const inside = await runtime.execSync(id, ["grep", "Seccomp:", "/proc/self/status"], 60_000);
      assert.match(Buffer.from(inside.stdout).toString(), /^Seccomp:\s+2\n$/);
    });

    it("filters by a profile of the node's own, and names one that is missing or outside", async () => {
      await mkdir(join(root, "seccomp", "audit"), { recursive: true });
      const rules = [{ names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 13 }];
      const profile = { defaultAction: "SCMP_ACT_ALLOW", syscalls: rules };
      await writeFile(join(root, "seccomp", "audit", "no-mkdir.json"), JSON.stringify(profile));
      const sandbox = await runtime.runPodSandbox(sandboxConfig("localhost"));
      const by = (path: string) =>
        withSeccomp(shell("grep Seccomp: /proc/self/status; mkdir /tmp/x"), { type: "Localhost", path });
      const config = by("audit/no-mkdir.json");
      await (await start(sandbox, config)).ended;
      assert.match(await logOf(config), /Seccomp:\s+2\n(.*)Permission denied/);
      await assert.rejects(
        runtime.createContainer(sandbox, by("none.json")),
        /cannot load seccomp profile ".*\/seccomp\/none\.json": no such file or directory/,
      );
      for (const path of ["../seccomp/audit/no-mkdir.json", "/etc/passwd", "a/../../x"])
        await assert.rejects(runtime.createContainer(sandbox, by(path)), /leaves the profiles' folder/);
    });

    it("sets sysctls in the pod's namespaces and never the host's", async () => {
      const range = "1024 2000";
      const own = { "net.ipv4.ip_local_port_range": range };
      const sandbox = await runtime.runPodSandbox({ ...sandboxConfig("sysctl"), sysctls: own });
      const { id } = await start(sandbox, shell("exec sleep 100"));
      const read = await runtime.execSync(id, ["cat", "/proc/sys/net/ipv4/ip_local_port_range"], 60_000);
      assert.equal(Buffer.from(read.stdout).toString().replace(/\s+/g, " ").trim(), range);
      for (const name of ["kernel.core_pattern", "kernel.hostname", "net.ipv4/../../../kernel.core_pattern"])
        await assert.rejects(
          runtime.runPodSandbox({ ...sandboxConfig("bad"), sysctls: { [name]: "|/tmp/x" } }),
          /is not the pod's own/,
        );
      const onHost = { ...sandboxConfig("host"), hostNetwork: true, sysctls: own };
      await assert.rejects(
        runtime.runPodSandbox(onHost),
        /net\/ipv4\/ip_local_port_range is not the pod's own/,
      );
    });

    it("kills what exceeds its memory limit and says so", async () => {
      const sandbox = await runtime.runPodSandbox(sandboxConfig("greedy"));
      const config = shell("exec node -e 'const a=[];for(;;)a.push(Buffer.alloc(1e6,1))'");
      const resources = { ...config.resources, memoryBytesMost: 64 * 1024 * 1024 };
      const { ended } = await start(sandbox, { ...config, resources });
      const { state } = await ended;
      assert.equal(state.phase === "exited" && `${state.exitCode} ${state.reason}`, "137 OOMKilled");
    });
  });
}

function exitOf(runtime: Runtime, id: string): Promise<RuntimeContainer> {
  return new Promise((resolve) => {
    const off = runtime.subscribe((event) => {
      const status = runtime.containerStatus(id);
      if (event.id !== id || status === undefined) return;
      off();
      resolve(status);
    });
  });
}
