import { strict as assert } from "node:assert";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, readlink, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sandboxConfig } from "../suite-configs.ts";
import { shimFile } from "../supervised/start-shim.ts";
import { startPause } from "./pause.ts";

describe("the process that holds a pod's namespaces", function () {
  this.timeout(120_000);
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), "pintle-pause-"));
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));
  const program = async (text: string) => {
    const path = join(dir, "program.pl");
    await writeFile(path, text);
    return path;
  };

  it("is ended where it takes too long to make them", async () => {
    const slow = await program(`open my $file, '>', '${dir}/pid'; print $file $$; close $file; sleep 1000;`);
    await assert.rejects(
      startPause(sandboxConfig("slow"), dir, { program: slow, timeoutMs: 2_000 }),
      /making the pod's namespaces takes too long/,
    );
    const pid = await readFile(join(dir, "pid"), "utf8").catch(() => undefined);
    if (pid === undefined) return; // so slow a start was ended before it began
    while ((await readlink(`/proc/${pid}/exe`).catch(() => undefined)) !== undefined)
      await new Promise((resolve) => setImmediate(resolve));
  });

  it("keeps none of its starter's files open", async function () {
    if (process.getuid?.() !== 0) this.skip();
    const secret = join(dir, "secret");
    await writeFile(secret, "");
    const script = 'exec 7<"$0" 251<"$0"; exec perl "$@"';
    const pause = spawn("bash", ["-c", script, secret, shimFile("pause.pl") ?? "", "uts", "clean"], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    try {
      const [said] = await once(pause.stdout, "data");
      assert.match(String(said), /^ready /);
      const folder = `/proc/${pause.pid}/fd`;
      // What is gone when it is looked at (of becoming `sleep`) was not kept.
      const files = await Promise.all(
        (await readdir(folder)).map((name) => readlink(join(folder, name)).catch(() => "")),
      );
      assert.ok(files.length > 0);
      assert.deepEqual(
        files.filter((file) => file.includes("secret")),
        [],
      );
    } finally {
      pause.kill("SIGKILL");
    }
  });

  it("says why there are none, however soon it ends", async () => {
    const broken = await program('die "no room for namespaces\\n"');
    for (let round = 0; round < 30; round++)
      await assert.rejects(
        startPause(sandboxConfig("broken"), dir, { program: broken }),
        /cannot make the pod's namespaces: no room for namespaces/,
      );
  });
});
