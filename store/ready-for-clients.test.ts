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
import { openStoreClient } from "./client/open-client.ts";
import { type RunningStore, startStore } from "./compose.ts";
import { storeConfig, storeFlags } from "./flags.ts";

describe("a member of the store that has not published itself", function () {
  this.timeout(120_000);
  let folder: string;
  let peers: readonly string[];
  const running: RunningStore[] = [];
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "pintle-ready-"));
    peers = (await freePorts(3)).map((port) => `http://127.0.0.1:${port}`);
  });
  afterEach(async () => {
    await Promise.all(running.splice(0).map((store) => store.stop()));
    rmSync(folder, { recursive: true });
  });

  async function start(at: number, of: number, ...more: string[]): Promise<RunningStore> {
    const { flags } = parseFlags(storeFlags, [
      `--name=m${at}`,
      `--data-dir=${join(folder, `m${at}`)}`,
      "--listen-client-urls=http://127.0.0.1:0",
      "--advertise-client-urls=http://127.0.0.1:9",
      `--listen-peer-urls=${peers[at]}`,
      `--initial-advertise-peer-urls=${peers[at]}`,
      `--initial-cluster=${peers
        .slice(0, of)
        .map((url, n) => `m${n}=${url}`)
        .join(",")}`,
      ...more,
    ]);
    const os = { clock: systemClock, random: systemRandom, disk: systemDisk, log: silentLog };
    const store = await startStore(storeConfig(flags), { ...os, metrics: new MetricsRegistry() });
    running.push(store);
    store.done.catch(() => undefined);
    return store;
  }

  type Status = { readonly leader?: string; readonly header: { readonly revision: string } };
  const call = async ({ clientPorts }: RunningStore, path: string, body: object): Promise<unknown> => {
    const url = `http://127.0.0.1:${clientPorts[0]}/v3/${path}`;
    const answer = await fetch(url, { method: "POST", body: JSON.stringify(body) });
    assert.equal(answer.status, 200);
    return answer.json();
  };
  const status = async (store: RunningStore) => (await call(store, "maintenance/status", {})) as Status;
  const isReset = (error: unknown) =>
    ((error as Error).cause as NodeJS.ErrnoException | undefined)?.code === "ECONNRESET";
  /** The first answer; connections before it may be reset. */
  const firstStatus = async (store: RunningStore): Promise<Status> => {
    for (;;) {
      try {
        return await status(store);
      } catch (error) {
        if (!isReset(error)) throw error;
      }
    }
  };

  it("resets connections until it has published itself: another member may serve the client", async () => {
    const first = await start(0, 2, "--wait-cluster-ready-timeout=1h");
    await assert.rejects(status(first), isReset);
    await start(1, 2, "--wait-cluster-ready-timeout=1h");
    assert.ok((await firstStatus(first)).leader, "answered before it knew a leader");
  });

  it("answers without a quorum after the time that it is to wait", async () => {
    const alone = await start(0, 2, "--experimental-wait-cluster-ready-timeout=1ms");
    assert.equal((await firstStatus(alone)).leader, undefined);
  });

  it("keeps connections waiting where there is nobody else", async () => {
    assert.ok((await status(await start(0, 1, "--wait-cluster-ready-timeout=1h"))).leader);
  });

  it("never answers from before it went away, though its log must catch up", async () => {
    const three = await Promise.all([0, 1, 2].map((at) => start(at, 3, "--wait-cluster-ready-timeout=1h")));
    const [, , leaving] = three as [RunningStore, RunningStore, RunningStore];
    await leaving.ready;
    await leaving.stop();
    running.splice(running.indexOf(leaving), 1);
    const endpoints = running.map((store) => `http://127.0.0.1:${store.clientPorts[0]}`);
    const client = openStoreClient({ endpoints }, { clock: systemClock, random: systemRandom });
    let written = 0;
    for (let n = 0; n < 300; n++) written = (await client.put("key", "value")).revision;
    client.close();
    const back = await firstStatus(await start(2, 3, "--wait-cluster-ready-timeout=1h"));
    assert.ok(Number(back.header.revision) >= written, `${back.header.revision} of ${written}`);
  });
});
