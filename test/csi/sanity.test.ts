import { strict as assert } from "node:assert";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { localDriverConfig, localDriverFlags } from "../../agent/local-driver/flags.ts";
import { startLocalDriver } from "../../agent/local-driver/start-local-driver.ts";
import { removeMounts } from "../../agent/volumes/sub-paths.ts";
import { systemDisk } from "../../base/os/disk.ts";
import { parseFlags } from "../../base/os/flags.ts";
import { createLog } from "../../base/os/log.ts";

const program = process.env.PINTLE_CSI_SANITY ?? "";

// CSI's own suite (csi-test's csi-sanity, whose binary PINTLE_CSI_SANITY names) against our own driver.
describe("the local-path driver, by csi-sanity", function () {
  this.timeout(180_000);

  it("passes", async function () {
    if (!existsSync(program) || process.getuid?.() !== 0) return this.skip();
    const dir = await mkdtemp(join(tmpdir(), "pintle-csi-sanity-"));
    await mkdir(join(dir, "kubelet"));
    const flags = [
      `--endpoint=unix://${dir}/csi.sock`,
      "--node-name=n1",
      `--data-dir=${dir}/data`,
      `--kubelet-dir=${dir}/kubelet`,
    ];
    const driver = await startLocalDriver(localDriverConfig(parseFlags(localDriverFlags, flags).flags), {
      disk: systemDisk,
      log: createLog({ level: "error", format: "text" }),
    });
    try {
      const asked = [
        "--ginkgo.no-color",
        `--csi.endpoint=unix://${dir}/csi.sock`,
        `--csi.mountdir=${dir}/kubelet/mount`,
        `--csi.stagingdir=${dir}/kubelet/stage`,
        `--csi.testvolumesize=${2 ** 20}`,
        `--csi.testvolumeexpandsize=${2 ** 21}`,
      ];
      const suite = spawn(program, asked, {
        cwd: dir,
        stdio: ["ignore", "pipe", "inherit"],
        timeout: 150_000,
      });
      let told = "";
      suite.stdout.setEncoding("utf8").on("data", (text: string) => {
        told += text;
      });
      const [code] = await once(suite, "close");
      const [, passed] = /(\d+) Passed/.exec(told) ?? [];
      assert.equal(code, 0, told.slice(-20_000));
      assert.ok(Number(passed) >= 41, told.slice(-20_000));
    } finally {
      await driver.stop();
      await removeMounts(dir);
      await rm(dir, { recursive: true, force: true });
    }
  });
});
