import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { systemClock } from "../../base/os/clock.ts";
import { systemDisk } from "../../base/os/disk.ts";
import { parseFlags } from "../../base/os/flags.ts";
import { silentLog } from "../../base/os/log.ts";
import { MetricsRegistry } from "../../base/os/metrics.ts";
import { systemRandom } from "../../base/os/random.ts";
import { text, utf8 } from "../../base/wire.ts";
import { openStoreClient } from "../../store/client/open-client.ts";
import { type RunningStore, startStore } from "../../store/compose.ts";
import { storeConfig, storeFlags } from "../../store/flags.ts";
import { etcdMissing } from "./etcd-processes.ts";

const parts = { clock: systemClock, random: systemRandom };

describe("a store that listens on a socket in the file system", function () {
  this.timeout(300_000);
  let folder: string;
  let store: RunningStore | undefined;
  let path: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "pintle-socket-"));
    path = join(folder, "store.sock");
  });
  afterEach(async () => {
    await store?.stop();
    store = undefined;
    rmSync(folder, { recursive: true, force: true });
  });

  /** `--data-dir` of `flags` comes later, and so instead. */
  async function start(flags: readonly string[] = [], socket = path): Promise<RunningStore> {
    const { flags: given } = parseFlags(storeFlags, [
      `--data-dir=${join(folder, "data")}`,
      `--listen-client-urls=unix://${socket}`,
      "--listen-peer-urls=http://127.0.0.1:0",
      "--initial-advertise-peer-urls=http://127.0.0.1:9",
      "--initial-cluster=default=http://127.0.0.1:9",
      ...flags,
    ]);
    const os = { ...parts, disk: systemDisk, log: silentLog, metrics: new MetricsRegistry() };
    return await startStore(storeConfig(given), os);
  }

  it("serves its client, and tells its address", async () => {
    store = await start();
    const client = openStoreClient({ endpoints: [`unix://${path}`] }, parts);
    await client.put("a", "1");
    assert.equal(text((await client.get("a")).kv?.value ?? utf8("none")), "1");
    assert.deepEqual((await client.members())[0]?.clientUrls, [`unix://${path}`]);
    client.close();
  });

  it("serves etcdctl, and HTTP beside gRPC", async function () {
    if (etcdMissing) return this.skip();
    store = await start();
    const env = { PATH: process.env.PATH, ETCDCTL_API: "3" };
    const args = [`--endpoints=unix://${path}`, "put", "a", "1"];
    const { stdout } = await promisify(execFile)("etcdctl", args, { env });
    assert.equal(stdout, "OK\n");
    const asked = request({ socketPath: path, path: "/health" }).end();
    const [answer] = await once(asked, "response");
    answer.resume();
    assert.equal(answer.statusCode, 200);
  });

  it("takes the place of a socket that a killed process left, but not of one that is in use or of a file", async () => {
    const listener = spawn(process.execPath, [
      "-e",
      `require("node:net").createServer().listen(${JSON.stringify(path)}, () => console.log("listening"))`,
    ]);
    await once(listener.stdout, "data");
    await assert.rejects(
      start(),
      /--listen-client-urls: cannot listen on .*store\.sock: the address is in use/,
    );
    listener.kill("SIGKILL");
    await once(listener, "exit");
    assert.ok(existsSync(path));
    store = await start();
    await store.stop();
    assert.ok(!existsSync(path), "removed in an orderly end");
    writeFileSync(path, "somebody's");
    await assert.rejects(start(), /cannot listen on/);
    assert.ok(existsSync(path));
  });

  it("keeps its log where --wal-dir says, for one member at a time", async () => {
    const walDir = join(folder, "log");
    store = await start([`--wal-dir=${walDir}/`]);
    assert.ok(existsSync(join(walDir, "0000000000000000-0000000000000000.wal")));
    assert.ok(!existsSync(join(folder, "data", "member", "wal")));
    const other = [`--wal-dir=${walDir}`, `--data-dir=${join(folder, "other")}`];
    await assert.rejects(start(other, `${path}2`), /--wal-dir: .* is in use by another member/);
    const client = openStoreClient({ endpoints: [`unix://${path}`] }, parts);
    await client.put("a", "1");
    client.close();
    await store.stop();
    store = await start([`--wal-dir=${walDir}/`]);
  });
});
