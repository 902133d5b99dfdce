import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFile, mkdtemp, readdir, readFile, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Prng } from "../../base/os/random.ts";
import type { KeyValueHash } from "../../store/mvcc/hash.ts";
import { runs } from "../fuzz/runs.ts";
import { EtcdCalls } from "./etcd-calls.ts";
import { type Place, type StoreProcesses, startStoreProcesses } from "./etcd-processes.ts";
import { type EtcdVersion, etcdVersions } from "./etcd-versions.ts";
import { contentsOf, etcdctl, hasNoPastRange, writeHistory } from "./store-contents.ts";

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
        await checkLogins(ours.endpoint);
        await writeHistory(ours.endpoint, new Prng(seed + 100), 150);
        if (version.downgradeTo !== undefined) await downgrade(ours.endpoint, version.downgradeTo);
        const second = join(folder, `pintle-${seed}.db`);
        await etcdctl(ours.endpoint, "snapshot", "save", second);
        const between = await contentsOf(ours.endpoint);
        const status = JSON.parse(await say(version.status, second, "-w", "json"));
        assert.equal(status.revision, between.revision);
        await ours.store.stop();
        for (const [file, { hash, revision }] of [
          [first, before],
          [second, between],
        ] as const) {
          const [newest, past] = [await hashesOf(file, version), await hashesOf(file, version, revision - 3)];
          for (const one of newest) assert.deepEqual(one, { ...hash, hashRevision: revision });
          for (const one of past) assert.deepEqual(one, past[0]);
          assert.notDeepEqual(past[0], newest[0]);
        }

        const again = await start(1, version.server, [], restoreWith(version.restore, second));
        assert.deepEqual(await contentsOf(again.endpoint), between);
        assert.deepEqual(await usersOf(again.endpoint), users);
        await checkLogins(again.endpoint);
        await writeHistory(again.endpoint, new Prng(seed + 200), 40);
        await again.store.stop();
      }
    });

    if (version.bumps)
      it("by a snapshot with its revisions bumped and marked as compacted: revisions go on alike, and who watched begins anew", async () => {
        const etcd = await start(1, version.server);
        await writeHistory(etcd.endpoint, new Prng(5), 100);
        const file = join(folder, "bumped.db");
        await etcdctl(etcd.endpoint, "snapshot", "save", file);
        const { keys } = await contentsOf(etcd.endpoint);
        await etcd.store.stop();
        const bump = ["--bump-revision=1000000", "--mark-compacted"];
        const seen: unknown[] = [];
        for (const [server, restore] of [
          [version.server, version.restore],
          [
            [...pintle, "store"],
            [...pintle, "store", "restore"],
          ],
        ] as const) {
          const moved = await start(1, server, [], restoreWith([...restore, ...bump], file));
          const { revision, hash, ...rest } = await contentsOf(moved.endpoint);
          assert.deepEqual(rest.keys, keys);
          const past = etcdctl(moved.endpoint, "watch", "", "--prefix", `--rev=${revision - 1}`);
          await assert.rejects(past, /required revision has been compacted/);
          await writeHistory(moved.endpoint, new Prng(6), 5);
          const after = await contentsOf(moved.endpoint);
          seen.push({ revision, compactRevision: hash.compactRevision, ...rest, after: after.revision });
          await moved.store.stop();
        }
        assert.deepEqual(seen[1], seen[0]);
      });

    it("in place: a cluster's stopped members go on as the store's, each with its id and its log", async () => {
      const etcd = await startStoreProcesses(3, version.server);
      started.push(etcd);
      const first = etcd.endpoints[0] ?? "";
      const second = etcd.endpoints.at(-1) ?? "";
      const isTaken = version.refusesAlike ? undefined : hasNoPastRange;
      await writeHistory(first, new Prng(11), 150, isTaken);
      await addUsers(first);
      await writeHistory(second, new Prng(12), 50, isTaken);
      const before = await contentsOf(first);
      const members = await etcdctl(first, "member", "list");
      const migrate = (name: string) => async (place: Place) => {
        await say([...pintle, "store", "migrate"], join(etcd.folder, name), `--data-dir=${place.dataDir}`);
      };
      const running = migrate("m0")({ name: "", dataDir: join(folder, "refused"), peerUrl: "", cluster: "" });
      await assert.rejects(running, /an etcd runs on it; stop it first/);
      // Killed, so that what their logs hold has not all got into their databases.
      for (const at of etcd.endpoints.keys()) await etcd.kill(at);
      await etcd.replacedBy([...pintle, "store"], async (place) => {
        const untouched = await filesOf(place.dataDir);
        await migrate(place.name)({ ...place, dataDir: `${place.dataDir}.moved` });
        assert.deepEqual(await filesOf(place.dataDir), untouched);
        await rm(place.dataDir, { recursive: true });
        await rename(`${place.dataDir}.moved`, place.dataDir);
      });
      assert.deepEqual(await contentsOf(first), before);
      assert.deepEqual(await contentsOf(second), before);
      assert.equal(await etcdctl(second, "member", "list"), members);
      await writeHistory(second, new Prng(13), 20);
      assert.deepEqual(await contentsOf(first), await contentsOf(second));
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

/** Until what it stores is in the older version's form. */
async function downgrade(endpoint: string, version: string): Promise<void> {
  const calls = new EtcdCalls(endpoint);
  try {
    const enabled = await calls.call("downgrade", { action: "ENABLE", version });
    assert.ok("answer" in enabled, JSON.stringify(enabled));
    for (let stored: unknown; stored !== version; ) {
      const status = await calls.call("status", {});
      if ("answer" in status) stored = status.answer.storageVersion;
    }
  } finally {
    calls.close();
  }
}

/** HashKV of a snapshot file at a revision (0: the newest) as our tool tells it, and as etcd's does, which opens it for writing. */
async function hashesOf(file: string, { hashKv }: EtcdVersion, revision = 0): Promise<readonly unknown[]> {
  const rev = `--rev=${revision}`;
  const told = JSON.parse(await say([...pintle, "store", "hash"], file, rev, "-o", "json"));
  if (hashKv !== undefined) {
    await copyFile(file, `${file}.copy`);
    told.push(JSON.parse(await say(hashKv, `${file}.copy`, rev, "-w", "json")));
  }
  return told.map(({ hash, hashRevision, compactRevision }: KeyValueHash) => ({
    hash,
    hashRevision,
    compactRevision,
  }));
}

async function addUsers(endpoint: string): Promise<void> {
  await etcdctl(endpoint, "user", "add", "root:secret");
  await etcdctl(endpoint, "user", "add", "ann:password");
  await etcdctl(endpoint, "role", "add", "writer");
  await etcdctl(endpoint, "role", "grant-permission", "writer", "readwrite", "a", "b");
  await etcdctl(endpoint, "user", "grant-role", "ann", "writer");
  await etcdctl(endpoint, "user", "grant-role", "root", "root");
  await etcdctl(endpoint, "user", "list"); // an entry of etcd's log
}

/** Users log in with the passwords that they had, and may do what they might. */
async function checkLogins(endpoint: string): Promise<void> {
  const patient = ["--command-timeout=120s", "--dial-timeout=120s"]; // a password is slow to check by design
  const as = (user: string, ...words: string[]) => etcdctl(endpoint, ...words, `--user=${user}`, ...patient);
  await etcdctl(endpoint, "auth", "enable", ...patient);
  await as("ann:password", "get", "a");
  await assert.rejects(as("ann:password", "get", "x"), /permission denied/);
  await assert.rejects(as("ann:wrong", "get", "a"), /authentication failed, invalid user ID or password/);
  await as("root:secret", "get", "x");
  await as("root:secret", "auth", "disable");
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

/** Every file of a folder with the digest of what is in it. */
async function filesOf(folder: string): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const digests = files.sort().map(async (path) => {
    const digest = createHash("sha256")
      .update(await readFile(path))
      .digest("hex");
    return [path, digest] as const;
  });
  return Object.fromEntries(await Promise.all(digests));
}
