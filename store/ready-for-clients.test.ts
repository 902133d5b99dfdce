import { strict as assert } from "node:assert";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../base/os/clock.ts";
import { systemDisk } from "../base/os/disk.ts";
import { parseFlags } from "../base/os/flags.ts";
import { freePorts } from "../base/os/free-ports.ts";
import { silentLog } from "../base/os/log.ts";
import { MetricsRegistry } from "../base/os/metrics.ts";
import { systemRandom } from "../base/os/random.ts";
import { type RunningStore, startStore } from "./compose.ts";
import { storeConfig, storeFlags } from "./flags.ts";

describe("a member of the store whose cluster has no quorum yet", function () {
  this.timeout(120_000);
  let folder: string;
  let peers: readonly string[];
  const running: RunningStore[] = [];
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "pintle-ready-"));
    peers = (await freePorts(2)).map((port) => `http://127.0.0.1:${port}`);
  });
  afterEach(async () => {
    await Promise.all(running.splice(0).map((store) => store.stop()));
    rmSync(folder, { recursive: true });
  });

  async function start(at: number, ...more: string[]): Promise<RunningStore> {
    const { flags } = parseFlags(storeFlags, [
      `--name=m${at}`,
      `--data-dir=${join(folder, `m${at}`)}`,
      "--listen-client-urls=http://127.0.0.1:0",
      "--advertise-client-urls=http://127.0.0.1:9",
      `--listen-peer-urls=${peers[at]}`,
      `--initial-advertise-peer-urls=${peers[at]}`,
      `--initial-cluster=${peers.map((url, n) => `m${n}=${url}`).join(",")}`,
      ...more,
    ]);
    const os = { clock: systemClock, random: systemRandom, disk: systemDisk, log: silentLog };
    const store = await startStore(storeConfig(flags), { ...os, metrics: new MetricsRegistry() });
    running.push(store);
    store.done.catch(() => undefined);
    return store;
  }

  const status = async ({ clientPorts }: RunningStore): Promise<{ readonly leader?: string }> => {
    const url = `http://127.0.0.1:${clientPorts[0]}/v3/maintenance/status`;
    return (await (await fetch(url, { method: "POST", body: "{}" })).json()) as { leader?: string };
  };

  it("answers clients only once it has published itself: then it knows what was agreed on", async () => {
    const asked = status(await start(0, "--wait-cluster-ready-timeout=1h"));
    await start(1, "--wait-cluster-ready-timeout=1h");
    assert.ok((await asked).leader, "answered before it knew a leader");
  });

  it("answers without, after the time that it is to wait", async () => {
    assert.equal(
      (await status(await start(0, "--experimental-wait-cluster-ready-timeout=1ms"))).leader,
      undefined,
    );
  });
});
