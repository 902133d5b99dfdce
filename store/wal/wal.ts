import { dirname, join } from "node:path";
import { assert, must } from "../../base/assert.ts";
import { failpoint } from "../../base/failpoints/failpoint.ts";
import type { Clock } from "../../base/os/clock.ts";
import type { Disk, DiskFile } from "../../base/os/disk.ts";
import type { Log } from "../../base/os/log.ts";
import type { Meter } from "../../base/os/metrics.ts";
import { hardState as hardStateCodec } from "../../proto/raft.ts";
import { walMetadata, walSnapshot } from "../../proto/wal.ts";
import type { Entry, HardState, Index, SnapshotMeta } from "../raft/types.ts";
import { WalWriteError } from "./damage.ts";
import { RecordEncoder } from "./encoder.ts";
import { frameHeaderBytes, sectorBytes } from "./frame.ts";
import { type WalMetrics, walMetrics } from "./metrics.ts";
import { type Recovered, recover, type WalMetadata } from "./recovery.ts";
import { parseSegmentName, type SegmentName, segmentName } from "./segment-name.ts";
import type { WalFaults } from "./segment-scan.ts";
import { type Place, SyncPlace } from "./sync-place.ts";

/** etcd's segment size. */
export const walSegmentBytes = 64 * 1024 * 1024;
/** So much after the end is written with zeros ahead of it: a sync then has no blocks to allocate, which on real disks would
 *  cost it a write of the file system's own. */
const zerosAheadBytes = 1024 * 1024;
const zeros = new Uint8Array(zerosAheadBytes);
const slowSyncMs = 1000;
const beforeSync = failpoint("walBeforeSync");
const afterSync = failpoint("walAfterSync");

export interface WalConfig {
  /** `<data-dir>/member/wal`. */
  readonly folder: string;
  /** For tests; otherwise `walSegmentBytes`. */
  readonly segmentBytes?: number;
  readonly faults?: WalFaults | undefined;
}

export interface WalOs {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Meter;
}

/** The write-ahead log of one member. See README.md for the format. Implements `DurableLog`. */
export class Wal {
  readonly #folder: string;
  readonly #segmentBytes: number;
  readonly #os: WalOs;
  readonly #metrics: WalMetrics;
  readonly #metadata: Uint8Array;
  readonly #encoder: RecordEncoder;
  readonly #syncPlace = new SyncPlace();
  #segments: SegmentName[];
  #file: DiskFile;
  #offset: number;
  /** Up to here the segment was written, with zeros at the least. */
  #zeroedTo: number;
  #lastIndex: Index;
  #hardState: HardState;
  #isBusy = false;
  /** Why nothing can be written any more. */
  #failure: WalWriteError | undefined;

  private constructor(
    config: WalConfig,
    os: WalOs,
    start: {
      metadata: WalMetadata;
      hardState: HardState;
      segments: readonly SegmentName[];
      file: DiskFile;
      offset: number;
      crc: number;
      lastIndex: Index;
    },
  ) {
    this.#folder = config.folder;
    this.#segmentBytes = config.segmentBytes ?? walSegmentBytes;
    this.#os = os;
    this.#metrics = walMetrics(os.metrics);
    this.#metadata = walMetadata.encode(start.metadata);
    this.#encoder = new RecordEncoder(start.crc);
    this.#segments = [...start.segments];
    this.#file = start.file;
    this.#offset = start.offset;
    this.#zeroedTo = start.offset;
    this.#lastIndex = start.lastIndex;
    this.#hardState = start.hardState;
  }

  static async exists(disk: Disk, folder: string): Promise<boolean> {
    return (await disk.list(folder)).some((name) => parseSegmentName(name) !== undefined);
  }

  /** Makes a new log, all or nothing: it is built beside its place and then moved there. Throws WalWriteError. */
  static async create(config: WalConfig, metadata: WalMetadata, os: WalOs): Promise<Wal> {
    const { disk } = os;
    const draft = `${config.folder}.tmp`;
    const first = segmentName(0, 0);
    try {
      await disk.remove(draft);
      await disk.makeFolder(draft);
      const encoder = new RecordEncoder(0);
      encoder.crcRecord();
      encoder.record("METADATA", walMetadata.encode(metadata));
      encoder.record("SNAPSHOT", walSnapshot.encode({ index: 0, term: 0 }));
      encoder.crcRecord();
      const file = await disk.open(join(draft, first.name), { create: true });
      try {
        await file.truncate(config.segmentBytes ?? walSegmentBytes);
        await file.write(0, [encoder.bytes]);
        await file.sync();
      } finally {
        await file.close();
      }
      await disk.syncFolder(draft);
      await disk.rename(draft, config.folder);
      await disk.syncFolder(dirname(config.folder));
    } catch (error) {
      throw new WalWriteError(draft, error);
    }
    return (await Wal.open(config, os)).wal;
  }

  /** Opens an existing log and cuts off what an interrupted write left. Throws WalDamageError and then changes nothing. */
  static async open(config: WalConfig, os: WalOs): Promise<{ wal: Wal; recovered: Recovered }> {
    const { disk, log } = os;
    const { at, ...recovered } = await recover(disk, config.folder, config.faults);
    for (const name of await disk.list(config.folder)) {
      if (name.endsWith(".tmp")) await disk.remove(join(config.folder, name));
    }
    const path = join(config.folder, must(at.segments.at(-1), "recovery found a segment").name);
    const file = await disk.open(path);
    try {
      if (at.torn) {
        log.warn("cut off an interrupted write at the end of the write-ahead log", {
          file: path,
          offset: at.offset,
        });
        await file.truncate(at.offset);
      }
      await file.truncate(Math.max(config.segmentBytes ?? walSegmentBytes, at.offset));
      // What was read, the segments' names included, may be in memory only, if the last life ended before its sync; from here on
      // others rely on it.
      await file.sync();
      await disk.syncFolder(config.folder);
      await disk.syncFolder(dirname(config.folder));
    } catch (error) {
      await file.close();
      throw new WalWriteError(path, error);
    }
    return { wal: new Wal(config, os, { ...recovered, ...at, file }), recovered };
  }

  /** Appends entries, then the hard state; resolves when written, and durable if `sync`. Throws WalWriteError, after which
   *  the log refuses everything. A snapshot of another member comes first: its mark counts from the hard state on that
   *  commits it, so that a torn write leaves either the log as it was or one that begins at the mark. */
  async append(batch: {
    readonly snapshot?: SnapshotMeta;
    readonly hardState?: HardState;
    readonly entries: readonly Entry[];
    readonly sync: boolean;
  }): Promise<void> {
    await this.#exclusively(async () => {
      if (this.#offset >= this.#segmentBytes) await this.#cut();
      const { snapshot, hardState, entries } = batch;
      if (snapshot !== undefined) {
        this.#mark(snapshot);
        this.#state({ ...(hardState ?? this.#hardState), commit: snapshot.index });
      }
      for (const entry of entries) this.#encoder.entry(entry);
      if (hardState !== undefined) this.#state(hardState);
      this.#lastIndex = entries.at(-1)?.index ?? this.#lastIndex;
      await this.#flush(batch.sync && this.#syncPlace.next(entries.length));
    });
  }

  /** Marks that the state up to `meta.index` is safe elsewhere, durably, and lets go of segments before it. */
  async markSnapshot(meta: SnapshotMeta): Promise<void> {
    await this.#exclusively(async () => {
      if (this.#offset >= this.#segmentBytes) await this.#cut();
      this.#mark(meta);
      await this.#flush("elsewhere");
      await this.#release(meta.index);
    });
  }

  #state(hardState: HardState): void {
    this.#hardState = hardState;
    this.#encoder.record("STATE", hardStateCodec.encode(hardState));
  }

  #mark({ index, term, conf }: SnapshotMeta): void {
    const { voters, learners } = conf;
    this.#encoder.record("SNAPSHOT", walSnapshot.encode({ index, term, confState: { voters, learners } }));
    this.#lastIndex = Math.max(this.#lastIndex, index);
  }

  /** Syncs, unless a failure has ended the log, and closes. */
  async close(): Promise<void> {
    try {
      if (this.#failure === undefined) await this.#exclusively(() => this.#sync("elsewhere"));
    } finally {
      await this.#file.close();
    }
  }

  /** Runs one operation. The first failure ends the log: after a failed write or sync nobody knows what is on disk. */
  async #exclusively(operation: () => Promise<void>): Promise<void> {
    assert(!this.#isBusy, "operations of the write-ahead log must not overlap");
    if (this.#failure !== undefined) throw this.#failure;
    this.#isBusy = true;
    try {
      await operation();
    } catch (error) {
      this.#failure = new WalWriteError(this.#file.path, error);
      throw this.#failure;
    } finally {
      this.#isBusy = false;
    }
  }

  /** @param sync False: what is written need not be durable yet. */
  async #flush(sync: Place | false): Promise<void> {
    // A seal: whoever reads it later knows that all before it was written together (README.md).
    if (sync !== false) this.#encoder.crcRecord();
    // What comes next shall not have just its length in the sector at hand. Without that sector a length of one bit cannot be told
    // from one in which that bit turned over.
    if ((this.#offset + this.#encoder.lengthBytes) % sectorBytes === sectorBytes - frameHeaderBytes) {
      if (sync !== false) this.#encoder.crcRecord();
      else this.#state(this.#hardState);
    }
    const { bytes } = this.#encoder;
    if (bytes.length > 0) {
      const end = this.#offset + bytes.length;
      const startMs = this.#os.clock.monotonicMs();
      await this.#file.write(this.#offset, end <= this.#zeroedTo ? [bytes] : [bytes, this.#zerosAfter(end)]);
      this.#metrics.writeSeconds.observe((this.#os.clock.monotonicMs() - startMs) / 1000);
      this.#offset = end;
      this.#metrics.writtenBytes.inc(bytes.length);
      this.#encoder.clear();
    }
    if (sync !== false) await this.#sync(sync);
  }

  /** To be written at `end`. */
  #zerosAfter(end: number): Uint8Array {
    this.#zeroedTo = Math.max(end, Math.min(end + zerosAheadBytes, this.#segmentBytes));
    return zeros.subarray(0, this.#zeroedTo - end);
  }

  async #sync(place: Place): Promise<void> {
    if (beforeSync.armed) await beforeSync.pass();
    const startMs = this.#os.clock.monotonicMs();
    if (place === "here") this.#file.syncNow();
    else await this.#file.sync();
    const tookMs = this.#os.clock.monotonicMs() - startMs;
    this.#syncPlace.took(tookMs);
    this.#metrics.fsyncSeconds.observe(tookMs / 1000);
    if (afterSync.armed) await afterSync.pass();
    if (tookMs > slowSyncMs) this.#os.log.warn("slow fdatasync", { tookMs, expectedMs: slowSyncMs });
  }

  /** Starts the next segment; it appears under its name only when it is whole. */
  async #cut(): Promise<void> {
    const { disk } = this.#os;
    await this.#file.truncate(this.#offset);
    await this.#file.sync();
    const last = must(this.#segments.at(-1), "there is a segment");
    const next = segmentName(last.sequence + 1, this.#lastIndex + 1);
    const draft = join(this.#folder, `${next.sequence}.tmp`);
    const path = join(this.#folder, next.name);
    const encoder = this.#encoder;
    assert(encoder.lengthBytes === 0, "a cut falls between batches");
    encoder.crcRecord();
    encoder.record("METADATA", this.#metadata);
    if (this.#hardState.term > 0) encoder.record("STATE", hardStateCodec.encode(this.#hardState));
    encoder.crcRecord();
    await disk.remove(draft);
    const file = await disk.open(draft, { create: true });
    try {
      await file.truncate(this.#segmentBytes);
      await file.write(0, [encoder.bytes]);
      await file.sync();
    } finally {
      await file.close();
    }
    await disk.rename(draft, path);
    await disk.syncFolder(this.#folder);
    await this.#file.close();
    this.#file = await disk.open(path);
    this.#offset = encoder.lengthBytes;
    this.#zeroedTo = this.#offset;
    encoder.clear();
    this.#segments.push(next);
  }

  /** Removes segments all of whose entries lie before `index`, oldest first, so that no gap can arise. */
  async #release(index: Index): Promise<void> {
    for (;;) {
      const [oldest, second] = this.#segments;
      if (oldest === undefined || second === undefined || second.index > index) return;
      await this.#os.disk.remove(join(this.#folder, oldest.name));
      this.#segments.shift();
    }
  }
}
