import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { must } from "../../base/assert.ts";
import { systemClock } from "../../base/os/clock.ts";
import { systemDisk } from "../../base/os/disk.ts";
import { parseFlags } from "../../base/os/flags.ts";
import { freePorts } from "../../base/os/free-ports.ts";
import { silentLog } from "../../base/os/log.ts";
import { MetricsRegistry } from "../../base/os/metrics.ts";
import { systemRandom } from "../../base/os/random.ts";
import { text } from "../../base/wire.ts";
import { methods } from "../../proto/etcd-methods.ts";
import { CallError } from "../../store/client/call-error.ts";
import { mayRetry } from "../../store/client/failover.ts";
import { openStoreClient } from "../../store/client/open-client.ts";
import type { StoreClient } from "../../store/client/store-client.ts";
import { type RunningStore, startStore } from "../../store/compose.ts";
import { storeConfig, storeFlags } from "../../store/flags.ts";

const os = { clock: systemClock, random: systemRandom, disk: systemDisk, log: silentLog };

/** Members in this process, each with a peer URL of its own. */
class Cluster {
  readonly #folder = mkdtempSync(join(tmpdir(), "pintle-remotes-"));
  readonly #ports: readonly number[];
  readonly #first: readonly number[];
  readonly #running = new Map<number, RunningStore>();

  private constructor(ports: readonly number[], first: readonly number[]) {
    this.#ports = ports;
    this.#first = first;
  }

  /** Three members, and ports for `spare` more. */
  static async start(spare: number): Promise<Cluster> {
    const first = [0, 1, 2];
    const cluster = new Cluster(await freePorts(first.length + spare), first);
    await Promise.all(first.map((at) => cluster.run(at)));
    return cluster;
  }

  peerUrl(at: number): string {
    return `http://127.0.0.1:${must(this.#ports[at], "a port per member")}`;
  }

  /** Starts a member, on what data it has. `known`: those its cluster consisted of when it was added; `listensAt`: whose port it
   *  has if it has moved. */
  async run(at: number, known = this.#first, listensAt = at): Promise<void> {
    const { flags } = parseFlags(storeFlags, [
      `--name=m${at}`,
      `--data-dir=${join(this.#folder, `m${at}`)}`,
      "--listen-client-urls=http://127.0.0.1:0",
      "--advertise-client-urls=http://127.0.0.1:9",
      `--listen-peer-urls=${this.peerUrl(listensAt)}`,
      `--initial-advertise-peer-urls=${this.peerUrl(at)}`,
      `--initial-cluster=${known.map((one) => `m${one}=${this.peerUrl(one)}`).join(",")}`,
      `--initial-cluster-state=${known === this.#first ? "new" : "existing"}`,
      "--heartbeat-interval=50",
      "--election-timeout=300",
      "--strict-reconfig-check=false",
    ]);
    const store = await startStore(storeConfig(flags), { ...os, metrics: new MetricsRegistry() });
    store.done.catch(() => undefined); // it was removed
    this.#running.set(at, store);
  }

  async end(at: number): Promise<void> {
    await this.#running.get(at)?.stop();
    this.#running.delete(at);
  }

  id(at: number): bigint {
    return must(this.#running.get(at), "a running member").member.identity.memberId;
  }

  client(...at: readonly number[]): StoreClient {
    const ports = at.map((one) => must(this.#running.get(one)?.clientPorts[0], "a running member"));
    const endpoints = ports.map((port) => `http://127.0.0.1:${port}`);
    return openStoreClient({ endpoints }, { clock: systemClock, random: systemRandom });
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#running.keys()].map((at) => this.end(at)));
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

describe("a member of the store that was away", function () {
  this.timeout(60_000);
  let cluster: Cluster;
  beforeEach(async () => {
    cluster = await Cluster.start(2);
  });
  afterEach(() => cluster.stop());

  /** Reads at this member alone, as of now. */
  async function read(at: number, key: string): Promise<string> {
    const client = cluster.client(at);
    try {
      const { kv } = await client.get(key);
      return text(must(kv, `${key} is there`).value);
    } finally {
      client.close();
    }
  }

  /** Changes the membership, again as long as that is certainly not taken: leadership may change when a member comes or goes, and
   *  a new leader takes no change before it has applied what its log held. */
  async function change(attempt: () => Promise<unknown>): Promise<void> {
    for (;;) {
      try {
        await attempt();
        return;
      } catch (error) {
        if (!(error instanceof CallError)) throw error;
        if (error.code !== "TOO_MANY_REQUESTS" && !mayRetry(error, "write")) throw error;
      }
    }
  }

  it("catches up when all the others were replaced meanwhile, so that it knows none of them", async () => {
    await cluster.end(0);
    const present = [0, 1, 2];
    for (const [gone, added] of [
      [1, 3],
      [2, 4],
    ] as const) {
      const staying = present.filter((at) => at !== 0 && at !== gone);
      const client = cluster.client(...staying);
      await client.put("replaced", String(gone));
      const endpoint = must(client.endpoints[0], "one stays");
      await change(() => client.callAt(endpoint, methods.memberAdd, { peerUrls: [cluster.peerUrl(added)] }));
      present.push(added);
      await cluster.run(added, present);
      await change(() => client.callAt(endpoint, methods.memberRemove, { id: cluster.id(gone) }));
      client.close();
      present.splice(present.indexOf(gone), 1);
      await cluster.end(gone);
    }
    const client = cluster.client(3, 4);
    await client.put("now", "here");
    client.close();
    await cluster.run(0);
    assert.equal(await read(0, "now"), "here");
  });

  it("catches up when all the others have moved meanwhile, so that it knows none of their URLs", async () => {
    await cluster.end(0);
    for (const [at, port] of [
      [1, 3],
      [2, 4],
    ] as const) {
      const client = cluster.client(1, 2);
      const request = { id: cluster.id(at), peerUrls: [cluster.peerUrl(port)] };
      const endpoint = must(client.endpoints[0], "a member");
      await change(() => client.callAt(endpoint, methods.memberUpdate, request));
      client.close();
      await cluster.end(at);
      await cluster.run(at, undefined, port);
    }
    const client = cluster.client(1, 2);
    await client.put("now", "here");
    client.close();
    await cluster.run(0);
    assert.equal(await read(0, "now"), "here");
  });
});
