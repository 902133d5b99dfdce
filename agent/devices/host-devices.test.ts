import { strict as assert } from "node:assert";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mustRun } from "../runtime/supervised/run-command.ts";
import { hostDevices } from "./host-devices.ts";

describe("devices that a plugin names", () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "pintle-dev-"));
  });
  afterEach(() => rm(root, { recursive: true, force: true }));
  const asked = (hostPath: string, permissions = "rw") => [
    { hostPath, containerPath: "/dev/own", permissions },
  ];

  it("are what the host has there, also behind a link", async () => {
    await symlink("/dev/null", join(root, "link"));
    const [found] = await hostDevices(asked(join(root, "link")));
    const { owner, ...device } = found ?? {};
    assert.deepEqual(device, {
      hostPath: "/dev/null",
      containerPath: "/dev/own",
      permissions: "rw",
      type: "c",
      major: 1,
      minor: 3,
    });
    assert.equal(owner?.mode, 0o666);
  });

  it("are all of a folder", async function () {
    if (process.getuid?.() !== 0) this.skip();
    await mkdir(join(root, "sub"));
    await mkdir(join(root, "pts"));
    await writeFile(join(root, "file"), "");
    for (const name of ["b", "sub/a", "pts/x"]) await mustRun(["mknod", join(root, name), "c", "1", "5"]);
    const found = await hostDevices(asked(root));
    assert.deepEqual(
      found.map(({ containerPath }) => containerPath),
      ["/dev/own/b", "/dev/own/sub/a"],
    );
  });

  it("are refused by name where there is none", async () => {
    await writeFile(join(root, "file"), "");
    await assert.rejects(hostDevices(asked(join(root, "file"))), /device .*\/file: it is no device/);
    await assert.rejects(hostDevices(asked("/dev/nowhere")), /device \/dev\/nowhere: ENOENT/);
  });
});
