import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../base/os/clock.ts";
import { systemDisk } from "../../base/os/disk.ts";
import { parseFlags } from "../../base/os/flags.ts";
import { freePorts } from "../../base/os/free-ports.ts";
import { silentLog } from "../../base/os/log.ts";
import { MetricsRegistry } from "../../base/os/metrics.ts";
import { systemRandom } from "../../base/os/random.ts";
import { openStoreClient } from "../../store/client/open-client.ts";
import { type RunningStore, startStore } from "../../store/compose.ts";
import { storeConfig, storeFlags } from "../../store/flags.ts";

const os = { clock: systemClock, random: systemRandom, disk: systemDisk, log: silentLog };

describe("a member of three that is left alone", () => {
  let folder: string;
  const running = new Set<RunningStore>();
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "pintle-force-new-"));
  });
  after(async () => {
    for (const store of running) await store.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it("is a cluster of its own with --force-new-cluster, and stays one without it", async () => {
    const ports = await freePorts(3);
    const url = (at: number) => `http://127.0.0.1:${ports[at]}`;
    const start = async (at: number, ...more: readonly string[]) => {
      const argv = [
        `--name=m${at}`,
        `--data-dir=${join(folder, `m${at}`)}`,
        "--listen-client-urls=http://127.0.0.1:0",
        "--advertise-client-urls=http://127.0.0.1:9",
        `--listen-peer-urls=${url(at)}`,
        `--initial-advertise-peer-urls=${url(at)}`,
        `--initial-cluster=${[0, 1, 2].map((one) => `m${one}=${url(one)}`).join(",")}`,
        ...more,
      ];
      const config = storeConfig(parseFlags(storeFlags, argv).flags);
      const store = await startStore(config, { ...os, metrics: new MetricsRegistry() });
      running.add(store);
      await store.ready;
      return store;
    };
    const stop = async (store: RunningStore) => {
      running.delete(store);
      await store.stop();
    };
    const asked = async (store: RunningStore, key: string) => {
      const endpoints = [`http://127.0.0.1:${store.clientPorts[0]}`];
      const client = openStoreClient({ endpoints }, os);
      const before = (await client.get("key")).kv?.value;
      await client.put("key", key).finally(() => client.close());
      return before && Buffer.from(before).toString();
    };
    const members = ({ member }: RunningStore) => member.parts.members.all().map(({ name }) => name);

    const three = await Promise.all([start(0), start(1), start(2)]);
    assert.equal(await asked(three[1], "of three"), undefined);
    // Each knows by now what the others agreed on.
    for (const store of three) await store.member.parts.reads.ready();
    for (const store of three) await stop(store);

    const forced = await start(0, "--force-new-cluster");
    assert.equal(await asked(forced, "of one"), "of three");
    assert.deepEqual(members(forced), ["m0"]);
    await stop(forced);

    const again = await start(0);
    assert.equal(await asked(again, "again"), "of one");
    assert.deepEqual(members(again), ["m0"]);
  });
});
