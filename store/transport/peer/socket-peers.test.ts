import { strict as assert } from "node:assert";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../../base/os/clock.ts";
import { systemDisk } from "../../../base/os/disk.ts";
import { parseFlags } from "../../../base/os/flags.ts";
import { silentLog } from "../../../base/os/log.ts";
import { MetricsRegistry } from "../../../base/os/metrics.ts";
import { systemRandom } from "../../../base/os/random.ts";
import { openStoreClient } from "../../client/open-client.ts";
import { type RunningStore, startStore } from "../../compose.ts";
import { storeConfig, storeFlags } from "../../flags.ts";

describe("members at sockets in the file system", function () {
  this.timeout(60_000);
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "pintle-sockets-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const socketOf = (name: string) => `unix://${join(folder, `${name}.sock`)}`;
  const start = (name: string): Promise<RunningStore> => {
    const { flags } = parseFlags(storeFlags, [
      `--name=${name}`,
      `--data-dir=${join(folder, name)}`,
      "--listen-client-urls=http://127.0.0.1:0",
      "--advertise-client-urls=http://127.0.0.1:9",
      `--listen-peer-urls=${socketOf(name)}`,
      `--initial-advertise-peer-urls=${socketOf(name)}`,
      `--initial-cluster=a=${socketOf("a")},b=${socketOf("b")}`,
    ]);
    const os = { clock: systemClock, random: systemRandom, disk: systemDisk, log: silentLog };
    return startStore(storeConfig(flags), { ...os, metrics: new MetricsRegistry() });
  };

  it("form a cluster, as etcd's do", async () => {
    const stores = await Promise.all(["a", "b"].map(start));
    const endpoints = stores.flatMap(({ clientUrls }) => clientUrls);
    const client = openStoreClient({ endpoints }, { clock: systemClock, random: systemRandom });
    try {
      await client.put("a", "1");
      assert.equal((await client.get("a")).kv?.version, 1);
    } finally {
      client.close();
      await Promise.all(stores.map((store) => store.stop()));
    }
  });
});
