import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "../local-cluster.ts";

const pintlePath = fileURLToPath(new URL("../../bin/pintle", import.meta.url));

/** What users get wrong, or find broken: one clear line, a non-zero exit, nothing half-written. */
describe("pintle says what is wrong", function () {
  this.timeout(300_000);
  const folder = mkdtempSync(join(tmpdir(), "pintle-wrong-"));
  after(() => rmSync(folder, { recursive: true }));

  async function fails(
    args: readonly string[],
    pattern: RegExp,
    env: NodeJS.ProcessEnv = process.env,
  ): Promise<void> {
    const error = await run(process.execPath, [pintlePath, ...args], {
      ...env,
      PINTLE_HOME: join(folder, "none"),
    }).then(
      (stdout) => assert.fail(`succeeded: ${stdout}`),
      (reason: { stderr: string; exitCode: number }) => reason,
    );
    assert.match(error.stderr, pattern);
    assert.ok(error.exitCode > 0);
    assert.doesNotMatch(error.stderr, /\n\s+at /, "no stack traces");
  }

  it("on unknown commands and flags, with the nearest known", async () => {
    await fails(["upp"], /unknown command "upp"/);
    await fails(["up", "--replica", "3"], /unknown flag --replica; did you mean --replicas\?/);
    await fails(["up", "--nodes", "many"], /--nodes: "many" is not a whole number/);
    await fails(["up", "--runtime", "docker"], /--runtime: "docker" must be auto, oci or process/);
    await fails(["store", "--heartbeat-interval", "100", "--election-timeout", "50"], /election-timeout/);
  });

  it("in the background too", async () => {
    await fails(["up", "--detach", "--replicas", "0"], /--replicas: 0 must be from 1 to 7/);
  });

  it("on a used port", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const port = typeof address === "object" && address ? address.port : 0;
    try {
      await fails(
        ["up", "--data-dir", join(folder, "used"), "--api-port", String(port)],
        new RegExp(`port ${port} on 127.0.0.1 is in use`),
      );
      await fails(
        [
          "store",
          "--data-dir",
          join(folder, "store"),
          `--listen-client-urls=http://127.0.0.1:${port}`,
          `--advertise-client-urls=http://127.0.0.1:${port}`,
          "--listen-peer-urls=http://127.0.0.1:0",
        ],
        new RegExp(`listen-client-urls.*${port}|${port}.*in use`),
      );
    } finally {
      server.close();
    }
  });

  it("on a damaged cluster file and a missing cluster", async () => {
    mkdirSync(join(folder, "damaged"));
    writeFileSync(join(folder, "damaged", "cluster.json"), "{");
    await fails(["up", "--data-dir", join(folder, "damaged")], /cluster\.json is damaged .*move/);
    await fails(["status", "--data-dir", join(folder, "nothing")], /no cluster in .*pintle up/);
  });

  it("on a runtime that is not there", async () => {
    await fails(
      ["up", "--data-dir", join(folder, "norun"), "--runtime", "oci"],
      /containers cannot run here: .*--runtime process/,
      { PATH: join(folder, "empty") },
    );
  });
});
