import assert from "node:assert/strict";
import fc from "fast-check";
import { systemClock } from "../../base/os/clock.ts";
import { silentLog } from "../../base/os/log.ts";
import { MetricsRegistry } from "../../base/os/metrics.ts";
import { Prng } from "../../base/os/random.ts";
import type { Entry, HardState } from "../raft/types.ts";
import { WalDamageError, WalWriteError } from "./damage.ts";
import { MemoryDisk, type MemoryFile } from "./fixtures/memory-disk.ts";
import type { Recovered } from "./recovery.ts";
import { Wal, type WalConfig } from "./wal.ts";

const metadata = { nodeId: 0x8e9e05c52164694dn, clusterId: 0xcdf818194e3a8c32n };
const config: WalConfig = { folder: "/member/wal", segmentBytes: 4096 };
const os = (disk: MemoryDisk) => ({
  disk,
  clock: systemClock,
  log: silentLog,
  metrics: new MetricsRegistry(),
});

interface Batch {
  readonly from: number;
  readonly sizes: readonly number[];
  readonly commit: boolean;
}

/** Data without zeros, so that a torn sector is never mistaken for a written one. */
function entryOf(index: number, term: number, size: number): Entry {
  const random = new Prng(index * 1000 + term);
  const data = Uint8Array.from({ length: size }, () => 1 + (random.uint32() % 255));
  return { term, index, type: index % 7 === 0 && size > 0 ? "confChange" : "normal", data };
}

/** The log that batches describe, kept in an array. */
class Twin {
  entries: Entry[] = [];
  hardState: HardState = { term: 0, vote: 0n, commit: 0 };
  #term = 0;

  next(batch: Batch): { entries: Entry[]; hardState: HardState; sync: true } {
    const { commit } = this.hardState;
    const from = Math.max(commit, Math.min(this.entries.length, batch.from)) + 1;
    this.#term += from <= this.entries.length ? 1 : 0; // only a later leader overwrites
    const entries = batch.sizes.map((size, i) => entryOf(from + i, Math.max(1, this.#term), size));
    if (entries.length > 0) this.entries = [...this.entries.slice(0, from - 1), ...entries];
    const last = this.entries.length;
    this.hardState = { term: Math.max(1, this.#term), vote: 7n, commit: batch.commit ? last : commit };
    return { entries, hardState: this.hardState, sync: true };
  }
}

const batches = fc.array(
  fc.record({
    from: fc.nat(60),
    sizes: fc.array(fc.nat(700), { maxLength: 4 }),
    commit: fc.boolean(),
  }),
  { minLength: 1, maxLength: 12 },
);

const shown = (entries: readonly Entry[]) =>
  entries.map(
    ({ term, index, type, data }) => `${term}/${index}/${type}/${Buffer.from(data).toString("hex")}`,
  );

async function reopen(disk: MemoryDisk): Promise<Recovered> {
  const { wal, recovered } = await Wal.open({ ...config, segmentBytes: 1 }, os(disk));
  await wal.close();
  return recovered;
}

function copyOf(disk: MemoryDisk): MemoryDisk {
  const copy = new MemoryDisk();
  for (const [path, file] of disk.files) {
    copy.files.set(path, Object.assign(Object.create(Object.getPrototypeOf(file)), file));
  }
  return copy;
}

function lastFile(disk: MemoryDisk): MemoryFile {
  const path = [...disk.files.keys()].sort().at(-1) ?? "";
  const file = disk.files.get(path);
  assert.ok(file);
  return file;
}

describe("wal", () => {
  it("gives back what was written, over segments and reopenings", async () => {
    await fc.assert(
      fc.asyncProperty(batches, fc.nat(11), async (all, reopenAt) => {
        const disk = new MemoryDisk();
        let wal = await Wal.create(config, metadata, os(disk));
        const twin = new Twin();
        for (const [i, batch] of all.entries()) {
          await wal.append(twin.next(batch));
          if (i !== reopenAt) continue;
          await wal.close();
          wal = (await Wal.open(config, os(disk))).wal;
        }
        await wal.close();
        const recovered = await reopen(disk);
        assert.deepEqual(shown(recovered.entries), shown(twin.entries));
        assert.deepEqual(recovered.hardState, twin.hardState);
        assert.deepEqual(recovered.metadata, metadata);
      }),
      { numRuns: 60 },
    );
  });

  it("writes zeros ahead, now and then, so that a sync finds its blocks allocated", async () => {
    const disk = new MemoryDisk();
    const wal = await Wal.create({ ...config, segmentBytes: 8 * 1024 * 1024 }, metadata, os(disk));
    const reaches = new Set<number>();
    for (let index = 1; index <= 30; index++) {
      await wal.append({ entries: [entryOf(index, 1, 100_000)], sync: true });
      const { reach, written } = lastFile(disk);
      assert.ok(reach > written, `${reach} is written where records end at ${written}`);
      reaches.add(reach);
    }
    assert.equal(reaches.size, 3, "3 MB of records, a megabyte ahead each time");
    assert.equal((await reopen(disk)).entries.length, 30);
  });

  it("syncs at once where entries come one by one, and no longer where others come with them", async () => {
    const disk = new MemoryDisk();
    const { clock, ...rest } = os(disk);
    const wal = await Wal.create(config, metadata, { ...rest, clock: { ...clock, monotonicMs: () => 0 } });
    let atOnce = 0;
    const file = lastFile(disk);
    Object.assign(file, {
      syncNow: () => {
        atOnce++;
        file.synced = file.written;
      },
    });
    let index = 0;
    const append = (count: number) => {
      const entries = Array.from({ length: count }, () => entryOf(++index, 1, 10));
      return wal.append({ entries, sync: true });
    };
    for (let batch = 0; batch < 20; batch++) await append(1);
    assert.equal(atOnce, 12, "all but the first eight");
    assert.equal(file.synced, file.written);
    for (let batch = 0; batch < 20; batch++) await append(2);
    assert.equal(atOnce, 12);
    assert.equal((await reopen(disk)).entries.length, 60);
  });

  it("keeps all that was synced when the last batch is torn at any byte", async () => {
    await fc.assert(
      fc.asyncProperty(batches, fc.double({ min: 0, max: 1, noNaN: true }), async (all, share) => {
        const disk = new MemoryDisk();
        const wal = await Wal.create(config, metadata, os(disk));
        const twin = new Twin();
        for (const batch of all) await wal.append(twin.next(batch));
        const synced = [...twin.entries];
        const { hardState } = twin;
        const file = lastFile(disk);
        const from = file.written;
        await wal.append(twin.next({ from: 99, sizes: [300, 1200, 5], commit: false }));
        if (lastFile(disk) !== file) return; // a new segment; it appears whole or not at all
        const torn = copyOf(disk);
        const cut = from + Math.floor((file.written - from) * share);
        lastFile(torn).bytes = Buffer.concat([
          file.bytes.subarray(0, cut),
          Buffer.alloc(file.bytes.length - cut),
        ]);
        const recovered = await reopen(torn);
        const after = shown(recovered.entries);
        assert.deepEqual(after.slice(0, synced.length), shown(synced));
        assert.deepEqual(after, shown(twin.entries).slice(0, after.length));
        assert.equal(recovered.hardState.commit, hardState.commit);
        assert.deepEqual(await reopen(torn), recovered, "what was repaired stays as it is");
      }),
      { numRuns: 150 },
    );
  });

  it("keeps all that was synced when any sector of the last batch is missing", async () => {
    const disk = new MemoryDisk();
    const wal = await Wal.create({ ...config, segmentBytes: 65_536 }, metadata, os(disk));
    const twin = new Twin();
    for (let i = 0; i < 5; i++) await wal.append(twin.next({ from: 99, sizes: [100, 333], commit: true }));
    const synced = shown(twin.entries);
    const from = lastFile(disk).written;
    await wal.append(twin.next({ from: 99, sizes: [900, 700, 1500, 40], commit: false }));
    for (let sector = Math.floor(from / 512); sector * 512 < lastFile(disk).written; sector++) {
      const torn = copyOf(disk);
      const { bytes } = lastFile(torn);
      lastFile(torn).bytes = Buffer.from(bytes).fill(0, Math.max(from, sector * 512), sector * 512 + 512);
      const { entries } = await reopen(torn);
      assert.deepEqual(shown(entries).slice(0, synced.length), synced, `sector ${sector}`);
    }
  });

  for (const sync of [true, false])
    it(`keeps what was ${sync ? "synced" : "written"} before, wherever it ends in a sector, when that sector is not written again`, async () => {
      // Among the later lengths is one whose frame says it with one bit.
      for (let size = 0; size < 512; size += 8)
        for (let more = 40; more < 48; more++) {
          const disk = new MemoryDisk();
          const wal = await Wal.create({ ...config, segmentBytes: 65_536 }, metadata, os(disk));
          const hardState = { term: 1, vote: 7n, commit: 0 };
          await wal.append({ entries: [entryOf(1, 1, size)], hardState, sync });
          const { written } = lastFile(disk);
          await wal.append({ entries: [entryOf(2, 1, more), entryOf(3, 1, 700)], sync: true });
          lastFile(disk).bytes.fill(0, written, Math.ceil((written + 1) / 512) * 512);
          const { entries } = await reopen(disk);
          assert.deepEqual(
            entries.map(({ index }) => index),
            [1],
            `size ${size}, then ${more}`,
          );
        }
    });

  const layouts: [string, number, boolean][] = [
    ["over several segments", 1024, true],
    ["in one segment, with nothing known to be committed", 4096, false],
  ];
  for (const [where, segmentBytes, commit] of layouts) {
    it(`detects every flipped bit of what was synced, ${where}`, async () => {
      const disk = new MemoryDisk();
      const wal = await Wal.create({ ...config, segmentBytes }, metadata, os(disk));
      const twin = new Twin();
      for (let i = 0; i < 4; i++) await wal.append(twin.next({ from: 99, sizes: [64, 3, 90], commit }));
      await wal.close();
      const intact = await reopen(disk);
      for (const [path, file] of [...disk.files]) {
        for (let bit = 0; bit < file.written * 8; bit++) {
          const flipped = copyOf(disk);
          const target = flipped.files.get(path);
          assert.ok(target);
          target.bytes = Buffer.from(file.bytes);
          target.bytes[bit >> 3] = (target.bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
          const outcome = await reopen(flipped).catch((error: unknown) => error);
          if (outcome instanceof WalDamageError) {
            assert.ok(outcome.message.includes(path), `names the file: ${outcome.message}`);
            continue;
          }
          // Only the last seal may go without a word: it holds nothing but itself.
          assert.deepEqual(outcome, intact, `bit ${bit} of ${path}`);
        }
      }
    });
  }

  it("detects every flipped bit of the last batch that was synced, with a torn write behind it", async () => {
    const disk = new MemoryDisk();
    const wal = await Wal.create({ ...config, segmentBytes: 65_536 }, metadata, os(disk));
    const twin = new Twin();
    await wal.append(twin.next({ from: 99, sizes: [20], commit: true }));
    const from = lastFile(disk).written;
    await wal.append(twin.next({ from: 99, sizes: [64, 3, 90], commit: true }));
    const to = lastFile(disk).written;
    const kept = shown(twin.entries);
    await wal.append(twin.next({ from: 99, sizes: [600, 700], commit: false }));
    // Of what comes last its first sector is on disk, with or without its seal.
    const { bytes, written } = lastFile(disk);
    for (const lost of [bytes.length, written - 200]) {
      const torn = Buffer.from(bytes).fill(0, Math.ceil(to / 512) * 512, lost);
      const ends: string[] = [];
      for (let bit = from * 8; bit < to * 8; bit++) {
        const flipped = copyOf(disk);
        lastFile(flipped).bytes = Buffer.from(torn);
        const target = lastFile(flipped).bytes;
        target[bit >> 3] = (target[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        const outcome = await reopen(flipped).catch((error: unknown) => error);
        if (outcome instanceof WalDamageError) continue;
        if (outcome instanceof Error) throw outcome;
        // Only the seal may go without a word.
        if (shown((outcome as Recovered).entries).join() !== kept.join()) ends.push(`${bit - from * 8}`);
      }
      assert.deepEqual(ends, []);
    }
  });

  it("does not take zeros in what was synced for a torn write, once a later batch was written", async () => {
    const disk = new MemoryDisk();
    const wal = await Wal.create({ ...config, segmentBytes: 65_536 }, metadata, os(disk));
    const at = lastFile(disk).written;
    const zeros: Entry = { term: 1, index: 1, type: "normal", data: new Uint8Array(3000) };
    await wal.append({ entries: [zeros], sync: true });
    await wal.append({ entries: [entryOf(2, 1, 10)], sync: true });
    const { bytes } = lastFile(disk);
    bytes[at + 100] = 1;
    await assert.rejects(reopen(disk), WalDamageError);
  });

  it("refuses a folder with a missing segment, by name", async () => {
    const disk = new MemoryDisk();
    const wal = await Wal.create({ ...config, segmentBytes: 512 }, metadata, os(disk));
    const twin = new Twin();
    for (let i = 0; i < 6; i++) await wal.append(twin.next({ from: 99, sizes: [600], commit: true }));
    const [, second] = [...disk.files.keys()].sort();
    await disk.remove(second ?? "");
    await assert.rejects(reopen(disk), /segment with number 1 is missing/);
  });

  it("lets go of segments before a mark, and starts there", async () => {
    const disk = new MemoryDisk();
    const wal = await Wal.create({ ...config, segmentBytes: 512 }, metadata, os(disk));
    const twin = new Twin();
    for (let i = 0; i < 8; i++) await wal.append(twin.next({ from: 99, sizes: [600], commit: true }));
    const before = disk.files.size;
    const conf = { voters: [1n, 2n], learners: [3n] };
    await wal.markSnapshot({ index: 6, term: 1, conf });
    assert.ok(disk.files.size < before, "segments were removed");
    const recovered = await reopen(disk);
    assert.deepEqual(recovered.snapshot, { index: 6, term: 1, conf });
    assert.deepEqual(shown(recovered.entries), shown(twin.entries.slice(6)));
  });

  it("starts over at a mark that the log does not lead up to", async () => {
    const disk = new MemoryDisk();
    const wal = await Wal.create(config, metadata, os(disk));
    await wal.append({ entries: [entryOf(1, 1, 5), entryOf(2, 1, 5)], sync: true });
    await wal.append({ entries: [], hardState: { term: 3, vote: 0n, commit: 90 }, sync: true });
    await wal.markSnapshot({ index: 90, term: 3, conf: { voters: [1n], learners: [] } });
    assert.deepEqual((await reopen(disk)).entries, []);
    const next = entryOf(91, 3, 4);
    const { wal: again } = await Wal.open(config, os(disk));
    await again.append({ entries: [next], sync: true });
    assert.deepEqual(shown((await reopen(disk)).entries), shown([next]));
  });

  it("is the former log or the snapshot's, whole, when the write that starts over is torn at any byte", async () => {
    const former = {
      entries: [entryOf(1, 1, 5), entryOf(2, 1, 5)],
      hardState: { term: 1, vote: 0n, commit: 2 },
    };
    const snapshot = { index: 90, term: 3, conf: { voters: [1n], learners: [] } };
    const later = {
      entries: [entryOf(91, 3, 4), entryOf(92, 3, 4)],
      hardState: { term: 3, vote: 0n, commit: 91 },
    };
    const seen = new Set<string>();
    for (let cut = 0; cut < 400; cut++) {
      const disk = new MemoryDisk();
      const wal = await Wal.create(config, metadata, os(disk));
      await wal.append({ ...former, sync: true });
      const [file] = disk.files.values();
      assert.ok(file);
      const from = file.written;
      await wal.append({ snapshot, ...later, sync: true });
      file.bytes.fill(0, from + cut);
      const recovered = await reopen(disk);
      seen.add(`${recovered.snapshot.index}: ${recovered.entries.map(({ index }) => index)}`);
    }
    assert.deepEqual([...seen], ["0: 1,2", "90: ", "90: 91", "90: 91,92"]);
  });

  it("says plainly that the disk is full, and refuses everything thereafter", async () => {
    const disk = new MemoryDisk();
    const wal = await Wal.create(config, metadata, os(disk));
    disk.onWrite = () => {
      throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
    };
    const batch = { entries: [entryOf(1, 1, 5)], sync: true };
    await assert.rejects(wal.append(batch), (error: unknown) => {
      assert.ok(error instanceof WalWriteError);
      assert.match(error.message, /no space left on the device; free some and start the member again/);
      return true;
    });
    disk.onWrite = () => undefined;
    await assert.rejects(wal.append(batch), WalWriteError);
  });
});
