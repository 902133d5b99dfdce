import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Prng } from "../../base/os/random.ts";
import { runs } from "../fuzz/runs.ts";
import { type Place, type StoreProcesses, startStoreProcesses } from "./etcd-processes.ts";
import { etcdVersions } from "./etcd-versions.ts";
import { contentsOf, etcdctl, writeHistory } from "./store-contents.ts";

const pintle = [process.execPath, fileURLToPath(new URL("../../bin/pintle", import.meta.url))];
const run = promisify(execFile);
const env = { PATH: process.env.PATH, ETCDCTL_API: "3" };
const say = async (command: readonly string[], ...words: string[]): Promise<string> =>
  (await run(command[0] ?? "", [...command.slice(1), ...words], { env })).stdout;

/** Fills a member's data directory from a snapshot, before its first start. */
const restoreWith =
  (command: readonly string[], file: string) =>
  async ({ name, dataDir, cluster, peerUrl }: Place): Promise<void> => {
    const members = [`--initial-cluster=${cluster}`, `--initial-advertise-peer-urls=${peerUrl}`];
    await say(command, file, `--data-dir=${dataDir}`, `--name=${name}`, ...members);
  };

for (const version of etcdVersions) {
  describe(`data moves between ${version.name} and the store`, function () {
    this.timeout(300_000);
    let folder = "";
    const started: StoreProcesses[] = [];
    before(async () => {
      folder = await mkdtemp(join(tmpdir(), "pintle-moves-"));
    });
    after(async () => {
      for (const store of started) await store.stop();
      await rm(folder, { recursive: true, force: true });
    });
    const start = async (...how: Parameters<typeof startStoreProcesses>) => {
      const store = await startStoreProcesses(...how);
      started.push(store);
      return { store, endpoint: store.endpoints[0] ?? "" };
    };
    it("by snapshots, there and back: keys, revisions, versions, leases, users, roles and hashes are the same", async () => {
      for (const seed of Array.from({ length: runs(1).numRuns }, (_, at) => at + 1)) {
        const etcd = await start(1, version.server);
        await writeHistory(etcd.endpoint, new Prng(seed), 200);
        await addUsers(etcd.endpoint);
        const first = join(folder, `etcd-${seed}.db`);
        await etcdctl(etcd.endpoint, "snapshot", "save", first);
        const before = await contentsOf(etcd.endpoint);
        const users = await usersOf(etcd.endpoint);
        await etcd.store.stop();

        const ours = await start(
          1,
          [...pintle, "store"],
          [],
          restoreWith([...pintle, "store", "restore"], first),
        );
        assert.deepEqual(await contentsOf(ours.endpoint), before);
        await writeHistory(ours.endpoint, new Prng(seed + 100), 150);
        const second = join(folder, `pintle-${seed}.db`);
        await etcdctl(ours.endpoint, "snapshot", "save", second);
        const between = await contentsOf(ours.endpoint);
        const status = JSON.parse(await say(version.status, second, "-w", "json"));
        assert.equal(status.revision, between.revision);
        await ours.store.stop();

        const again = await start(1, version.server, [], restoreWith(version.restore, second));
        assert.deepEqual(await contentsOf(again.endpoint), between);
        assert.deepEqual(await usersOf(again.endpoint), users);
        await writeHistory(again.endpoint, new Prng(seed + 200), 40);
        await again.store.stop();
      }
    });
  });
}

describe("a cluster restored from a snapshot", function () {
  this.timeout(300_000);
  const started: StoreProcesses[] = [];
  let folder = "";
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "pintle-restored-"));
  });
  after(async () => {
    for (const store of started) await store.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it("brings a member the state that was started without its restored directory", async () => {
    const file = join(folder, "snapshot.db");
    const first = await startStoreProcesses(1, [...pintle, "store"]);
    started.push(first);
    await writeHistory(first.endpoints[0] ?? "", new Prng(3), 200);
    await etcdctl(first.endpoints[0] ?? "", "snapshot", "save", file);
    const before = await contentsOf(first.endpoints[0] ?? "");
    const restored = await startStoreProcesses(3, [...pintle, "store"], [], async (place) => {
      if (place.name === "m2") return;
      await restoreWith([...pintle, "store", "restore"], file)(place);
    });
    started.push(restored);
    for (const endpoint of restored.endpoints) assert.deepEqual(await contentsOf(endpoint), before);
  });
});

async function addUsers(endpoint: string): Promise<void> {
  await etcdctl(endpoint, "user", "add", "root:secret");
  await etcdctl(endpoint, "user", "add", "ann:password");
  await etcdctl(endpoint, "role", "add", "writer");
  await etcdctl(endpoint, "role", "grant-permission", "writer", "readwrite", "a", "b");
  await etcdctl(endpoint, "user", "grant-role", "ann", "writer");
  await etcdctl(endpoint, "user", "grant-role", "root", "root");
}

async function usersOf(endpoint: string): Promise<unknown> {
  const lines = async (...words: string[]) => (await etcdctl(endpoint, ...words)).trim().split("\n");
  const users = await lines("user", "list");
  const roles = await lines("role", "list");
  return {
    users: await Promise.all(users.map((name) => lines("user", "get", name))),
    roles: await Promise.all(roles.map((name) => lines("role", "get", name))),
  };
}
