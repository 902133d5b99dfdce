import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { systemClock } from "../../base/os/clock.ts";
import { systemRandom } from "../../base/os/random.ts";
import { text } from "../../base/wire.ts";
import { prefixEnd } from "../../store/client/keys.ts";
import { openStoreClient } from "../../store/client/open-client.ts";
import { type StoreProcesses, startStoreProcesses } from "./etcd-processes.ts";

const pintle = fileURLToPath(new URL("../../bin/pintle", import.meta.url));
const isRoot = process.getuid?.() === 0;
const megabyte = 1024 * 1024;

describe("a member whose disk is full", function () {
  this.timeout(300_000);
  let store: StoreProcesses | undefined;
  let mounted: string | undefined;
  afterEach(async () => {
    if (store !== undefined) await store.kill(0);
    if (mounted !== undefined) spawnSync("umount", [mounted]);
    mounted = undefined;
    await store?.stop();
  });

  it("ends with one clear line, and has all that was acknowledged once there is space again", async function () {
    if (!isRoot) return this.skip(); // mounting takes root
    store = await startStoreProcesses(1, [process.execPath, pintle, "store"]);
    await store.kill(0);
    const dataDir = join(store.folder, "m0");
    rmSync(dataDir, { recursive: true });
    execFileSync("mkdir", [dataDir]);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=24m,mode=0700", "tmpfs", dataDir]);
    mounted = dataDir;
    const ballast = join(dataDir, "ballast");
    writeFileSync(ballast, Buffer.alloc(12 * megabyte));
    await store.start(0);
    const ended = store.exited(0);
    const { endpoints } = store;
    const newClient = () =>
      openStoreClient({ endpoints, timeoutMs: 2_000 }, { clock: systemClock, random: systemRandom });
    const client = newClient();
    const acknowledged: string[] = [];
    let isOver = false;
    void ended.then(() => {
      isOver = true;
    });
    for (let n = 0; !isOver && n < 2_000; n++) {
      const key = `full/${n}`;
      await client.put(key, "x".repeat(50_000)).then(
        () => acknowledged.push(key),
        () => undefined,
      );
    }
    assert.ok(isOver, "the member goes on although its disk is full");
    assert.equal(await ended, 1);
    const lines = store.output(0).trimEnd().split("\n");
    assert.match(
      lines.at(-1) ?? "",
      /(no space left on the device|the disk is full).*nothing acknowledged is lost/,
    );
    assert.doesNotMatch(store.output(0), /^\s+at /m, "no stack traces");
    rmSync(ballast);
    client.close();
    await store.start(0);
    // A new one: the old one's channel may still be waiting out its back-off from the refused connections.
    const reader = newClient();
    const { kvs } = await reader.range("full/", { rangeEnd: prefixEnd("full/"), keysOnly: true });
    reader.close();
    const stored = new Set(kvs.map((kv) => text(kv.key)));
    assert.ok(acknowledged.length > 50);
    assert.deepEqual(
      acknowledged.filter((key) => !stored.has(key)),
      [],
    );
  });
});
