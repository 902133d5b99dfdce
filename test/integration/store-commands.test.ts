import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Prng } from "../../base/os/random.ts";
import { etcdMissing, type StoreProcesses, startStoreProcesses } from "./etcd-processes.ts";
import { contentsOf, etcdctl, writeHistory } from "./store-contents.ts";

const program = fileURLToPath(new URL("../../bin/pintle", import.meta.url));

interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

function pintleStore(...words: string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [program, "store", ...words],
      { maxBuffer: 1 << 26 },
      (error, stdout, stderr) =>
        resolve({ status: error === null ? 0 : Number(error.code ?? -1), stdout, stderr }),
    );
  });
}

async function json(...words: string[]) {
  const { status, stdout, stderr } = await pintleStore(...words, "-o", "json");
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout);
}

describe("pintle store's commands for operators", function () {
  this.timeout(300_000);
  let folder = "";
  let store: StoreProcesses;
  let endpoint = "";
  before(async function () {
    if (etcdMissing) return this.skip();
    folder = await mkdtemp(join(tmpdir(), "pintle-commands-"));
    store = await startStoreProcesses(1, [process.execPath, program, "store"]);
    endpoint = store.endpoints[0] ?? "";
    await writeHistory(endpoint, new Prng(5), 150);
  });
  after(async () => {
    await store?.stop();
    await rm(folder, { recursive: true, force: true });
  });
  const dataDir = () => join(store.folder, "m0");

  it("save a snapshot, whole, and say what is in it as etcd's tool does", async () => {
    const file = join(folder, "snapshot.db");
    const { sizeBytes } = await json("snapshot", "save", file, "--endpoints", endpoint);
    assert.equal((await readFile(file)).length, sizeBytes);
    assert.deepEqual(await readdir(folder), ["snapshot.db"]);
    const ours = await json("snapshot", "status", file);
    const env = { PATH: process.env.PATH, ETCDCTL_API: "3" };
    const theirs = JSON.parse(
      spawnSync("etcdctl", ["snapshot", "status", file, "-w", "json"], { env }).stdout.toString(),
    );
    const { hash, revision, totalSize } = theirs;
    const keys = (await etcdctl(endpoint, "get", "", "--prefix", "--keys-only"))
      .split("\n")
      .filter((key) => key !== "");
    // etcdctl 3.4 counts the rows of all buckets as keys.
    assert.deepEqual(
      { ...ours, version: undefined },
      { hash, revision, totalSize, totalKey: keys.length, version: undefined },
    );
    const text = await pintleStore("snapshot", "status", file);
    assert.match(text.stdout, new RegExp(`^revision +${revision}$`, "m"));
    const bytes = await readFile(file);
    bytes[bytes.length - 40] = (bytes[bytes.length - 40] as number) ^ 1;
    await writeFile(file, bytes);
    const altered = await pintleStore("snapshot", "status", file);
    assert.equal(altered.status, 1);
    assert.match(altered.stderr, /its SHA-256 does not match/);
  });

  it("tell HashKV of members as etcdctl does, and of a stopped one's files alike", async () => {
    const contents = await contentsOf(endpoint);
    const [online] = await json("hash", "--endpoints", endpoint);
    assert.equal(online.hash, contents.hash.hash);
    const running = await pintleStore("hash", "--data-dir", dataDir());
    assert.equal(running.status, 1);
    assert.match(running.stderr, /in use by another member/);
    const both = await pintleStore("hash", "snapshot.db", "--data-dir", dataDir());
    assert.equal(both.status, 2);
    assert.match(both.stderr, /exclude each other/);
    await store.kill(0);
    const [offline] = await json("hash", "--data-dir", dataDir());
    const states = [offline, online].map(({ hash, hashRevision, compactRevision }) => ({
      hash,
      hashRevision,
      compactRevision,
    }));
    await store.start(0);
    // What was not in the database yet is in the log.
    const [again] = await json("hash", "--endpoints", endpoint, "--rev", String(offline.hashRevision));
    assert.equal(again.hash, states[0]?.hash);
    assert.equal(again.hashRevision, states[0]?.hashRevision);
  });

  it("compact the history", async () => {
    const { revision } = await contentsOf(endpoint);
    await json("compact", String(revision), "--physical", "--endpoints", endpoint);
    assert.equal((await contentsOf(endpoint)).hash.compactRevision, revision);
    const twice = await pintleStore("compact", String(revision), "--endpoints", endpoint);
    assert.equal(twice.status, 1);
    assert.match(twice.stderr, /required revision has been compacted/);
    assert.equal((await pintleStore("compact", "newest", "--endpoints", endpoint)).status, 2);
  });

  it("put loads on members, leave nothing of them, and tell how they went", async () => {
    const before = await etcdctl(endpoint, "get", "", "--prefix");
    for (const load of ["put", "range", "txn", "watch"]) {
      const figures = await json(
        "bench",
        load,
        "--endpoints",
        endpoint,
        "--total=200",
        "--clients=20",
        "--watchers=3",
        "--key-space-size=50",
      );
      assert.equal(figures.count, load === "watch" ? 600 : 200, load);
      assert.equal(figures.errors, 0);
      assert.ok(figures.fastestMs <= figures.p50Ms && figures.p50Ms <= figures.slowestMs);
    }
    assert.equal(await etcdctl(endpoint, "get", "", "--prefix"), before);
    assert.equal((await pintleStore("bench", "everything")).status, 2);
  });

  it("find a stopped member's files in order, and show its log", async () => {
    await store.kill(0);
    const checked = await json("check", "--data-dir", dataDir());
    assert.equal(checked.ok, true, JSON.stringify(checked));
    assert.deepEqual(
      checked.findings.map(({ what }: { what: string }) => what),
      ["write-ahead log", "rows", "revisions", "checkpoint", "state", "log and state", "database"],
    );
    const dumped = await pintleStore("dump-log", "--data-dir", dataDir(), "--json");
    assert.equal(dumped.status, 0, dumped.stderr);
    const records = dumped.stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    assert.equal(records[0].type, "metadata");
    const entries = records.filter(({ type }) => type === "entry");
    assert.deepEqual(entries[0].content.change.type, "addNode");
    assert.ok(entries.some(({ content }) => content.request?.put !== undefined));
    const text = await pintleStore(
      "dump-log",
      "--data-dir",
      dataDir(),
      "--start-index",
      String(entries.length),
    );
    assert.equal(text.stdout.split("\n").filter((line) => line.includes("\tentry\t")).length, 1);
  });

  it("name what is wrong with a stopped member's files, with an exit status", async () => {
    const bad = async (path: string, reason: RegExp) => {
      const bytes = await readFile(path);
      const spoilt = Buffer.from(bytes);
      spoilt[200] = (spoilt[200] as number) ^ 1;
      await writeFile(path, spoilt);
      const { status, stdout } = await pintleStore("check", "--data-dir", dataDir());
      assert.equal(status, 1);
      assert.match(stdout, reason);
      await writeFile(path, bytes);
    };
    const log = join(dataDir(), "member", "wal");
    await bad(join(log, (await readdir(log))[0] ?? ""), /^BAD {2}write-ahead log .*0000-.* at byte/m);
    const revisions = join(dataDir(), "member", "db", "000001", "revisions");
    await bad(join(revisions, (await readdir(revisions))[0] ?? ""), /^BAD {2}rows .*revisions/m);
    assert.equal((await pintleStore("check", "--data-dir", folder)).status, 1);
  });

  it("explain themselves", async () => {
    const names = [
      "snapshot save",
      "snapshot status",
      "restore",
      "migrate",
      "check",
      "hash",
      "dump-log",
      "compact",
      "bench",
    ];
    for (const name of names) {
      const { status, stdout } = await pintleStore(...name.split(" "), "--help");
      assert.equal(status, 0);
      assert.ok(stdout.startsWith(`pintle store ${name} `), stdout);
      assert.match(stdout, /Examples:/);
    }
  });
});
