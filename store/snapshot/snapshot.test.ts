import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32c } from "../../base/crc32c.ts";
import { freePorts } from "../../base/os/free-ports.ts";
import { below, Prng } from "../../base/os/random.ts";
import { text, utf8 } from "../../base/wire.ts";
import { type Backend, type Bucket, bucketNames } from "../backend/backend.ts";
import { allRows } from "../backend/backend-suite.ts";
import { backendDefaults } from "../backend/layered-backend.ts";
import { MemoryHome } from "../backend/memory-home.ts";
import { decodeKeyValue, encodeKeyValue, encodeTombstone } from "../mvcc/key-value.ts";
import { isTombstone } from "../revisions/revision-key.ts";
import { boltSnapshot } from "./bolt-file.ts";
import { loadSnapshot } from "./load.ts";
import { snapshotStream } from "./stream.ts";

const failLoudly = (error: Error) => {
  throw error;
};
const newBackend = () => new MemoryHome(backendDefaults, { onFailure: failLoudly }).open();

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const out: Uint8Array[] = [];
  for await (const chunk of chunks) out.push(chunk);
  return Buffer.concat(out);
}

/** Hands bytes out in pieces of odd sizes. */
async function* pieces(bytes: Uint8Array, size: number): AsyncIterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** A history of `revisions`, some values far larger than a page, some keys deleted. */
async function sampleBackend(revisions: number): Promise<Backend> {
  const backend = await newBackend();
  const random = new Prng(3);
  for (let revision = 2; revision < revisions + 2; revision++) {
    const key = utf8(`key-${below(random, 400)}`);
    if (below(random, 10) === 0)
      backend.append({ main: revision, sub: 0, deletion: true, value: encodeTombstone(key) });
    else {
      const value = Buffer.alloc(below(random, 50) === 0 ? 20_000 : below(random, 300), revision % 256);
      const kv = { key, createRevision: revision, modRevision: revision, version: 1, value, lease: 0n };
      backend.append({ main: revision, sub: 0, deletion: false, value: encodeKeyValue(kv) });
    }
  }
  const index = Buffer.alloc(8);
  index.writeBigUInt64BE(BigInt(revisions));
  backend.put("meta", "consistent_index", index);
  backend.put("meta", "term", Buffer.from([0, 0, 0, 0, 0, 0, 0, 2]));
  backend.commit();
  return backend;
}

describe("store/snapshot: the stream to other members", () => {
  it("brings every row over, whatever the sizes of its pieces", async () => {
    const backend = await sampleBackend(2_000);
    const stream = await collect(snapshotStream(backend.snapshot()).chunks);
    for (const size of [1 << 20, 1_021]) {
      const copy = await newBackend();
      await loadSnapshot(pieces(stream, size), copy);
      for (const bucket of bucketNames)
        assert.deepEqual(await allRows(copy.pages(bucket)), await allRows(backend.pages(bucket)), bucket);
    }
  });

  it("refuses what was cut short, altered, prolonged or is of another kind", async () => {
    const backend = await sampleBackend(50);
    const stream = await collect(snapshotStream(backend.snapshot()).chunks);
    const refused = async (bytes: Uint8Array, reason: RegExp) =>
      assert.rejects(loadSnapshot(pieces(bytes, 4_096), await newBackend()), {
        name: "SnapshotError",
        message: reason,
      });
    await refused(stream.subarray(0, stream.length - 1), /ended early/);
    await refused(stream.subarray(0, 0), /ended early/);
    await refused(Buffer.concat([stream, Buffer.from("x")]), /bytes after its end/);
    await refused(Buffer.from("NOT A SNAPSHOT"), /this is not one/);
    const newer = Buffer.from(stream);
    newer[8] = 9;
    await refused(newer, /version 9 is not the 1/);
    const altered = Buffer.from(stream);
    const middle = 200;
    altered[middle] = (altered[middle] ?? 0) ^ 1;
    await refused(altered, /SHA-256 does not match/);
  });
});

const etcdMissing =
  spawnSync("etcd", ["--version"]).status !== 0 || spawnSync("etcdctl", ["version"]).status !== 0;
const describeWithEtcd = etcdMissing ? describe.skip : describe;

describeWithEtcd("store/snapshot: the file for etcd's tools", () => {
  let folder = "";
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "pintle-bolt-"));
  });
  after(() => rm(folder, { recursive: true, force: true }));
  const env = { ...process.env, ETCDCTL_API: "3" };
  const etcdctl = (...args: string[]): string => {
    const { status, stdout, stderr } = spawnSync("etcdctl", args, { encoding: "utf8", env });
    assert.equal(status, 0, stderr);
    return stdout;
  };

  it("ends with the digest of what comes before, and etcdctl finds the same hash, revision and rows in it", async () => {
    for (const revisions of [0, 1, 30, 3_000]) {
      const backend = await sampleBackend(revisions);
      const file = await collect(boltSnapshot(backend.snapshot()).chunks);
      const body = file.subarray(0, file.length - 32);
      assert.deepEqual(createHash("sha256").update(body).digest(), file.subarray(file.length - 32));
      const path = join(folder, `snap-${revisions}`);
      await writeFile(path, file);
      const status: unknown = JSON.parse(etcdctl("snapshot", "status", path, "-w", "json"));
      assert.deepEqual(status, {
        hash: await hashOf(backend),
        revision: revisions === 0 ? 0 : revisions + 1,
        totalKey: revisions + 2,
        totalSize: body.length,
      });
    }
  });

  it("is restored and served by etcd with every key as it was", async () => {
    const backend = await sampleBackend(3_000);
    const path = join(folder, "to-restore");
    await writeFile(path, await collect(boltSnapshot(backend.snapshot()).chunks));
    const [client = 0, peer = 0] = await freePorts(2);
    const peerUrl = `http://127.0.0.1:${peer}`;
    const clientUrl = `http://127.0.0.1:${client}`;
    const data = join(folder, "restored");
    const cluster = [
      "--name=m0",
      `--initial-cluster=m0=${peerUrl}`,
      `--initial-advertise-peer-urls=${peerUrl}`,
    ];
    etcdctl("snapshot", "restore", path, `--data-dir=${data}`, ...cluster);
    const etcd = spawn(
      "etcd",
      [
        `--data-dir=${data}`,
        ...cluster,
        `--listen-peer-urls=${peerUrl}`,
        `--listen-client-urls=${clientUrl}`,
        `--advertise-client-urls=${clientUrl}`,
      ],
      { stdio: "ignore" },
    );
    try {
      const endpoint = `--endpoints=${clientUrl}`;
      etcdctl(endpoint, "endpoint", "health", "--dial-timeout=10s", "--command-timeout=15s");
      const got: unknown = JSON.parse(etcdctl(endpoint, "get", "", "--prefix", "-w", "json"));
      assert.deepEqual(keysOf(got), await livingKeys(backend));
      etcdctl(endpoint, "put", "key-1", "written after the restore");
    } finally {
      etcd.kill("SIGKILL");
      await once(etcd, "exit");
    }
  });
});

/** etcdctl's: CRC-32C over every bucket's name and rows. */
async function hashOf(backend: Backend): Promise<number> {
  let crc = 0;
  for (const bucket of [...bucketNames].sort() as Bucket[]) {
    crc = crc32c(crc, utf8(bucket));
    for (const { key, value } of await allRows(backend.pages(bucket))) {
      crc = crc32c(crc, Buffer.from(key, "latin1"));
      crc = crc32c(crc, value);
    }
  }
  return crc;
}

function keysOf(answer: unknown): unknown {
  assert.ok(typeof answer === "object" && answer !== null && "kvs" in answer && Array.isArray(answer.kvs));
  const rows = answer.kvs.map((kv: { key: string; mod_revision: number; value?: string }) => [
    Buffer.from(kv.key, "base64").toString(),
    [kv.mod_revision, Buffer.from(kv.value ?? "", "base64").length],
  ]);
  return Object.fromEntries(rows);
}

/** Last mod revision and length of value of every key that is not deleted. */
async function livingKeys(backend: Backend): Promise<Record<string, readonly [number, number]>> {
  const living: Record<string, readonly [number, number]> = {};
  for (const row of await allRows(backend.pages("key"))) {
    const { key: bytes, modRevision, value } = decodeKeyValue(row.value);
    const key = text(bytes);
    if (isTombstone(row.key)) delete living[key];
    else living[key] = [modRevision, value.length];
  }
  return living;
}

describe("a stream over a view", () => {
  for (const [name, stream] of [
    ["snapshotStream", snapshotStream],
    ["boltSnapshot", boltSnapshot],
  ] as const) {
    it(`${name} closes the view once, whether nobody, somebody or everybody read`, async () => {
      const backend = await newBackend();
      for (const reads of [0, 1, Number.POSITIVE_INFINITY]) {
        let closed = 0;
        const view = backend.snapshot();
        const close = async () => {
          closed += 1;
          await view.close();
        };
        const { chunks, release } = stream({ ...view, close });
        let left = reads;
        if (left > 0) for await (const _ of chunks) if (--left === 0) break;
        await release();
        assert.equal(closed, 1);
      }
      await backend.retire(); // which waits for every view
    });
  }
});
