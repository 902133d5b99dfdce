import assert from "node:assert/strict";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLog } from "../base/os/log.ts";
import { notifySystemd } from "./notify-systemd.ts";

describe("telling systemd that a member is ready", () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "pintle-notify-"));
    const tool = join(folder, "systemd-notify");
    await writeFile(tool, `#!/bin/sh\necho "$NOTIFY_SOCKET $*" > ${folder}/told\n`);
    await chmod(tool, 0o755);
  });
  after(() => rm(folder, { recursive: true, force: true }));

  const notify = async (env: Readonly<Record<string, string>>) => {
    const said: string[] = [];
    await notifySystemd(env, createLog({ write: (line) => said.push(JSON.parse(line).msg) }));
    return said;
  };

  it("is systemd's tool's to do, with the socket that systemd named", async () => {
    const said = await notify({ NOTIFY_SOCKET: "/run/notify", PATH: `${folder}:/bin:/usr/bin` });
    assert.deepEqual(said, ["notifying init daemon", "successfully notified init daemon"]);
    assert.equal(await readFile(join(folder, "told"), "utf8"), "/run/notify --ready\n");
  });

  it("fails with a line of the log where the tool is not there, and is nothing where nobody waits", async () => {
    const said = await notify({ NOTIFY_SOCKET: "/run/notify", PATH: "/nowhere" });
    assert.deepEqual(said, ["notifying init daemon", "failed to notify systemd for readiness"]);
    assert.deepEqual(await notify({}), []);
  });
});
