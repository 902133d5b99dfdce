import { strict as assert } from "node:assert";
import { mkdir, mkdtemp, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RuntimeContainer } from "../runtime/seam.ts";
import { mustRun } from "../runtime/supervised/run-command.ts";
import { messageLimits, terminationMessage } from "./termination-message.ts";

describe("a container's termination message", () => {
  let dir: string;
  let file: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), "pintle-message-"));
    await mkdir(join(dir, "termination", "c"), { recursive: true });
    file = join(dir, "termination", "c", "0");
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));

  const said = (policy = "File", exitCode = 1) =>
    terminationMessage(
      {
        name: "c",
        attempt: 0,
        logPath: join(dir, "0.log"),
        annotations: { terminationMessagePolicy: policy },
        state: { phase: "exited", exitCode },
      } as unknown as RuntimeContainer,
      dir,
    );

  it("is the end of the file, however large it says that it is", async () => {
    await writeFile(file, "because");
    assert.equal(await said(), "because");
    await truncate(file, 2 ** 40);
    await writeFile(file, "the end", { flag: "a" });
    const message = await said();
    assert.equal(message.length, messageLimits.bytesMost);
    assert.ok(message.endsWith("the end"));
  });

  it("is nothing where a link, a pipe or a folder took the file's place", async () => {
    assert.equal(await said(), "");
    await symlink("/etc/passwd", file);
    assert.equal(await said(), "");
    await rm(file);
    await mustRun(["mkfifo", file]);
    assert.equal(await said(), "");
    await rm(file);
    await mkdir(file);
    assert.equal(await said(), "");
  });

  it("is the end of the log where that is asked for, of a container that failed without a word", async () => {
    const line = (text: string) => `2024-05-06T07:08:09.000000000Z stdout F ${text}\n`;
    const lines = Array.from({ length: 10_000 }, (_, at) => line(`line ${at}`));
    await writeFile(file, "");
    await writeFile(join(dir, "0.log"), lines.join(""));
    assert.equal(await said(), "");
    assert.equal(await said("FallbackToLogsOnError", 0), "");
    const message = await said("FallbackToLogsOnError");
    assert.ok(message.endsWith("line 9998\nline 9999"), message.slice(-100));
    assert.ok(message.split("\n").length <= messageLimits.logLinesMost);
    await rm(join(dir, "0.log"));
    await symlink("/etc/passwd", join(dir, "0.log"));
    assert.equal(await said("FallbackToLogsOnError"), "");
  });
});
