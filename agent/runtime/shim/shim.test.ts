import { strict as assert } from "node:assert";
import { execFileSync, spawn } from "node:child_process";
import { watch } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { shimPath, startShim } from "../supervised/start-shim.ts";

describe("the shim", function () {
  this.timeout(120_000);
  let root: string;
  let exits: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "pintle-shim-"));
    exits = join(root, "exits");
    await mkdir(exits);
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  const container = async (name: string, ...command: string[]) => {
    const dir = join(root, name);
    await mkdir(dir);
    await writeFile(join(dir, "cwd"), "/");
    await writeFile(join(dir, "environ"), `PATH=${process.env.PATH}\0`);
    return { dir, argv: [dir, exits, join(dir, "log"), "kind=process", ...command] };
  };
  /** The folder's files, once there are that many. */
  const files = (folder: string, count: number) =>
    new Promise<readonly string[]>((resolve, reject) => {
      const look = () =>
        readdir(folder).then((names) => {
          const whole = names.filter((name) => !name.endsWith(".new"));
          if (whole.length < count) return;
          watcher.close();
          resolve(whole);
        }, reject);
      const watcher = watch(folder, () => void look());
      void look();
    });

  it("notes the end of hundreds of containers that end at the same moment", async () => {
    const count = 300;
    const gate = join(root, "gate");
    execFileSync("mkfifo", [gate]);
    // Opened for both, so that nobody waits for the other end; closing it ends all that read from it.
    const holder = spawn("sh", ["-c", 'exec 3<>"$1"; echo open; read end', "sh", gate], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    await new Promise((resolve) => holder.stdout.once("data", resolve));
    // They close their streams first: the shim then waits for nothing but their end.
    const script = 'exec 3<"$1" >&- 2>&-; : > "$2"; read line <&3';
    const waiting = join(root, "waiting");
    await mkdir(waiting);
    for (let i = 0; i < count; i += 20)
      await Promise.all(
        Array.from({ length: 20 }, async (_, n) => {
          const { dir, argv } = await container(
            `c${i + n}`,
            ...["/bin/sh", "-c", script, "sh", gate, join(waiting, String(i + n))],
          );
          assert.equal(await startShim({ argv, dir, timeoutMs: 100_000 }), true);
        }),
      );
    await files(waiting, count);
    const all = files(exits, count);
    holder.stdin.end("\n");
    assert.equal((await all).length, count);
    for (let i = 0; i < count; i++)
      assert.match(await readFile(join(root, `c${i}`, "exit"), "utf8"), /^1 0 /);
  });

  it("learns of an end although no signal reaches it", async () => {
    // As when the signal comes just before it falls asleep: nobody will tell it again.
    // So it ends only once the shim has let go of its streams, and sleeps.
    const script = `close STDOUT; close STDERR;
      my $shim = getppid;
      sub awake {
        return 1 if grep { (readlink // "") =~ /^pipe:/ } glob "/proc/$shim/fd/*";
        open my $status, "<", "/proc/$shim/status";
        return !grep { /^State:\\s+S/ } <$status>;
      }
      select undef, undef, undef, 0.01 while awake();
      exit 4`;
    const { dir, argv } = await container("deaf", "perl", "-e", script);
    const block = "use POSIX; sigprocmask(SIG_BLOCK, POSIX::SigSet->new(SIGCHLD)); exec @ARGV";
    const all = files(exits, 1);
    spawn("perl", ["-e", block, "perl", shimPath ?? "", ...argv], { stdio: "ignore" });
    assert.deepEqual(await all, ["deaf"]);
    assert.match(await readFile(join(dir, "exit"), "utf8"), /^4 0 /);
  });

  it("and its container keep none of its starter's files open", async () => {
    const secret = join(root, "secret");
    await writeFile(secret, "");
    const { argv } = await container("clean", "/bin/sh", "-c", "ls -l /proc/$$/fd /proc/$PPID/fd; exit 0");
    const script = 'exec 7<"$0" 251<"$0"; exec perl "$@"';
    const all = files(exits, 1);
    spawn("bash", ["-c", script, secret, shimPath ?? "", ...argv], { stdio: "ignore" });
    await all;
    const log = await readFile(join(root, "clean", "log"), "utf8");
    assert.match(log, / 0 -> \/dev\/null/);
    assert.doesNotMatch(log, /secret/);
  });
});

describe("startShim", () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), "pintle-start-shim-"));
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));
  const program = async (text: string) => {
    const path = join(dir, "program.pl");
    await writeFile(path, text);
    return path;
  };

  it("reads what the shim said although it has exited before", async () => {
    // The child speaks only once its parent, the program that was started, is gone.
    const late = await program(`
      my $parent = $$;
      exit 0 if fork;
      while (getppid() == $parent) { select undef, undef, undef, 0.01 }
      select undef, undef, undef, 0.2;
      syswrite STDOUT, "started 1\\n";`);
    assert.equal(await startShim({ argv: [], dir, timeoutMs: 100_000, program: late }), true);
  });

  it("says why when the shim ends without a word", async () => {
    const broken = await program('die "no terminal is left\\n"');
    await assert.rejects(
      startShim({ argv: [], dir, timeoutMs: 100_000, program: broken }),
      /without a word: no terminal is left/,
    );
  });

  it("ends a start that takes too long, and what it began", async () => {
    const slow = await program(`
      open my $file, '>', '${dir}/pid'; print $file $$; close $file;
      sleep 1000;`);
    await assert.rejects(startShim({ argv: [], dir, timeoutMs: 500, program: slow }), /longer than 0.5 s/);
    const pid = await readFile(join(dir, "pid"), "utf8").catch(() => undefined);
    if (pid !== undefined) await untilGone(pid);
  });
});

async function untilGone(pid: string): Promise<void> {
  while ((await readlink(`/proc/${pid}/exe`).catch(() => undefined)) !== undefined)
    await new Promise((resolve) => setImmediate(resolve));
}
