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
import { startAlone } from "../../store/testing/start-alone.ts";

const os = { clock: systemClock, random: systemRandom, disk: systemDisk, log: silentLog };

describe("members that find each other by a token", () => {
  let folder: string;
  const running: RunningStore[] = [];
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "pintle-discovery-"));
  });
  after(async () => {
    for (const store of running.reverse()) await store.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it("are a cluster of those that came first; who comes too late, or while it is to end, is told so", async () => {
    const service = await startAlone(join(folder, "service"));
    running.push(service);
    await service.ready;
    const endpoint = `http://127.0.0.1:${service.clientPorts[0]}`;
    const client = openStoreClient({ endpoints: [endpoint] }, os);
    await client.put("/_etcd/registry/t/_config/size", "2");
    const ports = await freePorts(3);
    const start = async (name: string, port = 0, signal?: AbortSignal) => {
      const argv = [
        `--name=${name}`,
        `--data-dir=${join(folder, name)}`,
        "--listen-client-urls=http://127.0.0.1:0",
        "--advertise-client-urls=http://127.0.0.1:9",
        `--listen-peer-urls=http://127.0.0.1:${port}`,
        `--initial-advertise-peer-urls=http://127.0.0.1:${port}`,
        `--discovery-endpoints=${endpoint}`,
        "--discovery-token=t",
      ];
      const config = storeConfig(parseFlags(storeFlags, argv).flags);
      const store = await startStore(config, { ...os, metrics: new MetricsRegistry() }, { signal });
      running.push(store);
      await store.ready;
      return store;
    };
    const end = new AbortController();
    const waiting = assert.rejects(start("a", ports[0], end.signal), /is to end/);
    const isRegistered = client.watch({
      key: Buffer.from("/_etcd/registry/t/members"),
      rangeEnd: Uint8Array.of(0),
      startRevision: 1,
    });
    for await (const { kind } of isRegistered) if (kind === "events") break;
    end.abort(new Error("is to end"));
    await waiting;

    const [a, b] = await Promise.all([start("a", ports[0]), start("b", ports[1])]);
    assert.deepEqual(
      a.member.parts.members
        .all()
        .map(({ name }) => name)
        .sort(),
      ["a", "b"],
    );
    assert.equal(a.member.identity.clusterId, b.member.identity.clusterId);
    await assert.rejects(start("c", ports[2]), /DiscoveryError: discovery: cluster is full/);
    client.close();
  });
});
