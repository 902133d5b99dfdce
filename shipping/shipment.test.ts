import assert from "node:assert/strict";
import type { Disk, DiskFile } from "../base/os/disk.ts";
import { silentLog } from "../base/os/log.ts";
import { MovableClock } from "../base/os/movable-clock.ts";
import { below, chance, Prng } from "../base/os/random.ts";
import { SimDisk } from "../base/os/sim-disk.ts";
import { type BufferRules, DiskBuffer } from "./buffer/disk-buffer.ts";
import type { Frame } from "./buffer/frame.ts";
import type { Verdict } from "./core/verdict.ts";
import type { LineSource } from "./line-source.ts";
import { plainLines } from "./lines/plain-lines.ts";
import type { Receiver } from "./receivers/receiver.ts";
import type { LogRecord } from "./record.ts";
import { Shipment } from "./shipment.ts";

const wholeBuffer: BufferRules = { bytesMax: 64 * 1024 * 1024, segmentBytes: 4096, whenFull: "stop-reading" };
const noFaults = { lost: 0, later: 0, cut: 0, some: 0, disk: 0 };

/** One machine whose programs write lines, and a receiver far away; all that happens follows from the seed. */
class World {
  readonly random: Prng;
  readonly clock = new MovableClock({ runs: false, startMs: Date.UTC(2026, 0, 1) }, turn);
  readonly disk: SimDisk;
  /** What programs wrote, and where each line begins. */
  readonly logs: Buffer[];
  readonly taken: { readonly stream: string; readonly id: string; readonly text: string }[] = [];
  readonly dropped = new Map<string, number>();
  faults: typeof noFaults = { lost: 0.1, later: 0.1, cut: 0.1, some: 0.1, disk: 0.02 };
  isUp = true;
  /** The buffer is open: an agent whose disk fails before does not start. */
  isOpen = false;
  #lines = 0;
  #stop: AbortController | undefined;
  #ending: Promise<void> = Promise.resolve();
  #life = 0;
  readonly #rules: BufferRules;

  constructor(seed: number, rules = wholeBuffer) {
    this.random = new Prng(seed);
    this.#rules = rules;
    this.disk = new SimDisk({ prng: this.random, writeMs: 0, syncMs: 1 });
    this.logs = Array.from({ length: 3 }, () => Buffer.alloc(0));
  }

  /** @param poison One line in so many is one that the receiver cannot take. */
  write(lines: number, poison = 50): void {
    for (let count = 0; count < lines; count++) {
      const at = below(this.random, this.logs.length);
      const what = chance(this.random, 1 / poison) ? "poison" : "line";
      const line = `${what} ${this.#lines++} ${"x".repeat(below(this.random, 60))}\n`;
      this.logs[at] = Buffer.concat([this.logs[at] ?? Buffer.alloc(0), Buffer.from(line)]);
    }
  }

  async start(): Promise<void> {
    const { clock, random } = this;
    this.#life++;
    this.isOpen = false;
    this.#stop = new AbortController();
    const { signal } = this.#stop;
    const buffer = await this.#moved(
      DiskBuffer.open(this.#rules, {
        disk: this.#failing(this.disk.open(clock)),
        folder: "/buffer",
        log: silentLog,
        onLost: (reason, lines) => this.#note(reason, lines),
      }),
    );
    this.isOpen = true;
    const shipment = new Shipment({
      name: "far",
      selections: [{}],
      rules: {
        batchRecordsMax: 20,
        batchBytesMax: 8192,
        batchWaitMs: 200,
        backoff: { firstMs: 100, mostMs: 2000 },
        giveUpAfterMs: Number.POSITIVE_INFINITY,
      },
      source: this.#source(buffer),
      formats: new Map([[plainLines.name, plainLines]]),
      buffer,
      receiver: this.#receiver(this.#life),
      clock,
      random,
      log: silentLog,
      counts: {
        sent: () => undefined,
        acknowledged: () => undefined,
        retried: () => undefined,
        dropped: (reason, lines) => this.#note(reason, lines),
        observe: () => undefined,
      },
    });
    this.#ending = shipment.run(signal);
  }

  /** The process is killed; with `power`, the machine forgets what it had not written. */
  kill({ power }: { readonly power: boolean }): void {
    this.#life++;
    if (power) this.disk.crash();
    else this.disk.kill();
  }

  async stop(): Promise<void> {
    this.#stop?.abort();
    await this.#moved(this.#ending);
  }

  pass(ms: number): Promise<void> {
    return this.clock.advance(ms);
  }

  linesWritten(): { readonly stream: string; readonly id: string; readonly text: string }[] {
    return this.logs.flatMap((log, at) => {
      const frame = { ...this.#frame(at, 0, log.length), atMs: 0 };
      return plainLines.records(frame).map(({ stream, id, text }) => ({ stream: stream.key, id, text }));
    });
  }

  /** As one that is full now and then: nothing, or something else, stands where it was written. */
  #failing(disk: Disk): Disk {
    const mayFail = async () => {
      if (this.isOpen && chance(this.random, this.faults.disk))
        throw new Error("ENOSPC: no space left on device");
    };
    const failing = (file: DiskFile): DiskFile => ({
      ...file,
      write: async (offset, chunks) => {
        await mayFail().catch(async (error: unknown) => {
          await file.write(offset, [Buffer.concat(chunks).subarray(0, below(this.random, 20))]);
          throw error;
        });
        await file.write(offset, chunks);
      },
      sync: async () => {
        await mayFail();
        await file.sync();
      },
    });
    return {
      ...disk,
      open: async (path, options) => failing(await disk.open(path, options)),
      rename: async (from, to) => {
        await mayFail();
        await disk.rename(from, to);
      },
    };
  }

  #note(reason: string, lines: number): void {
    this.dropped.set(reason, (this.dropped.get(reason) ?? 0) + lines);
  }

  /** Time passes as long as something waits for it. */
  async #moved<T>(promise: Promise<T>): Promise<T> {
    let isDone = false;
    const settled = promise.finally(() => {
      isDone = true;
    });
    for (let step = 0; !isDone; step++) {
      assert.ok(step < 100_000, "it never ends");
      await this.clock.advance(1);
    }
    return settled;
  }

  #frame(at: number, start: number, end: number): Frame {
    const body = this.logs[at]?.subarray(start, end) ?? Buffer.alloc(0);
    const lines = body.filter((byte) => byte === 10).length;
    const place = { file: `file-${at}`, start, end };
    const stream = { source: "containers", key: `log-${at}` } as const;
    return { stream, format: "lines", lines, atMs: this.clock.wallMs(), place, body };
  }

  #source(buffer: DiskBuffer): LineSource {
    const places = this.logs.map((_, at) => buffer.ends.get(`file-${at}`) ?? 0);
    return {
      read: async () => {
        const frames: Frame[] = [];
        for (const [at, log] of this.logs.entries()) {
          const start = places[at] ?? 0;
          const end = log.subarray(0, start + 200 + below(this.random, 500)).lastIndexOf(10) + 1;
          if (end <= start) continue;
          frames.push(this.#frame(at, start, end));
          places[at] = end;
        }
        return frames;
      },
      onMore: () => undefined,
      settled: () => undefined,
      isGone: () => false,
      close: async () => undefined,
    };
  }

  #receiver(life: number): Receiver {
    return {
      send: async (records) => {
        await new Promise<void>((resolve) => this.clock.after(below(this.random, 300), resolve));
        if (life !== this.#life) return new Promise<Verdict>(() => undefined);
        return this.#answer(records);
      },
      close: async () => undefined,
    };
  }

  #answer(records: readonly LogRecord[]): Verdict {
    const { random, faults } = this;
    const later: Verdict = { kind: "later", why: "not now" };
    if (!this.isUp || chance(random, faults.lost)) throw new Error("connection refused");
    if (chance(random, faults.later)) return { ...later, afterMs: below(random, 500) };
    if (chance(random, faults.some)) {
      const items = records.map((record) =>
        chance(random, 0.3) ? { kind: "later" as const, why: "busy" } : this.#takeOne(record),
      );
      return { kind: "each", items };
    }
    if (records.some(({ text }) => text.startsWith("poison"))) return { kind: "refused", why: "poison" };
    for (const record of records) this.#takeOne(record);
    if (chance(random, faults.cut)) throw new Error("the answer is lost");
    return { kind: "taken" };
  }

  #takeOne({ stream, id, text }: LogRecord) {
    if (text.startsWith("poison")) return { kind: "refused" as const, why: "poison" };
    this.taken.push({ stream: stream.key, id, text });
    return { kind: "taken" as const };
  }
}

/** Whatever is at work and does not wait for time is done with it. */
async function turn(): Promise<void> {
  for (let round = 0; round < 3; round++) await new Promise(setImmediate);
}

/** Every line that can be taken was, once at least. */
function checkAllTaken(world: World): void {
  const taken = new Set(world.taken.map(({ id }) => id));
  const wanted = world.linesWritten().filter(({ text }) => !text.startsWith("poison"));
  assert.deepEqual(
    wanted.filter(({ id }) => !taken.has(id)),
    [],
  );
  assert.ok(world.taken.every(({ text }) => text.startsWith("line")));
}

/** A stream's lines came in the order in which they were written, as far as each came for the first time. */
function checkOrder(world: World): void {
  const seen = new Set<string>();
  const first = world.taken.filter(({ id }) => !seen.has(id) && seen.add(id));
  for (const stream of new Set(first.map((line) => line.stream))) {
    const numbers = first
      .filter((line) => line.stream === stream)
      .map(({ text }) => Number(text.split(" ")[1]));
    assert.deepEqual(
      numbers,
      [...numbers].sort((a, b) => a - b),
      stream,
    );
  }
}

describe("a shipment", () => {
  const seeds = Number(process.env.SHIPPING_SEEDS ?? 25);
  for (let seed = 1; seed <= seeds; seed++)
    it(`loses nothing whatever the receiver answers and whenever it is killed, seed ${seed}`, async () => {
      const world = new World(seed);
      // A word for each record changes their order among themselves.
      const isOrdered = seed % 2 === 0;
      if (isOrdered) world.faults = { ...world.faults, some: 0 };
      for (let life = 0; life < 5; life++) {
        await world.start();
        for (let round = 0; round < 6; round++) {
          world.write(30);
          world.isUp = chance(world.random, 0.8);
          await world.pass(below(world.random, 1500));
        }
        if (chance(world.random, 0.3)) await world.stop();
        else world.kill({ power: chance(world.random, 0.4) });
      }
      world.faults = noFaults;
      world.isUp = true;
      await world.start();
      for (let round = 0; round < 200 && !hasAll(world); round++) await world.pass(1000);
      await world.stop();
      checkAllTaken(world);
      if (isOrdered) checkOrder(world);
    });

  it("sends nothing twice where nobody fails", async () => {
    const world = new World(7);
    world.faults = noFaults;
    await world.start();
    for (let round = 0; round < 20; round++) {
      world.write(40);
      await world.pass(700);
    }
    for (let round = 0; round < 60; round++) await world.pass(1000);
    await world.stop();
    await world.start();
    await world.pass(5000);
    await world.stop();
    checkAllTaken(world);
    assert.equal(new Set(world.taken.map(({ id }) => id)).size, world.taken.length);
    const poison = world.linesWritten().filter(({ text }) => text.startsWith("poison")).length;
    assert.deepEqual([...world.dropped], [["refused", poison]]);
  });

  it("stops reading when its buffer is full, and loses nothing", async () => {
    const world = new World(3, {
      bytesMax: 1024 * 1024 + 40_000,
      segmentBytes: 4096,
      whenFull: "stop-reading",
    });
    world.isUp = false;
    world.faults = noFaults;
    await world.start();
    for (let round = 0; round < 15; round++) {
      world.write(200, 1e9);
      await world.pass(2000);
    }
    world.isUp = true;
    for (let round = 0; round < 300 && !hasAll(world); round++) await world.pass(1000);
    await world.stop();
    checkAllTaken(world);
    assert.deepEqual([...world.dropped], []);
  });

  it("drops the oldest lines when its buffer is full and it is told to, and counts them", async () => {
    const world = new World(3, { bytesMax: 20_000, segmentBytes: 4096, whenFull: "drop-oldest" });
    world.isUp = false;
    world.faults = noFaults;
    await world.start();
    for (let round = 0; round < 15; round++) {
      world.write(100, 1e9);
      await world.pass(2000);
    }
    world.isUp = true;
    for (let round = 0; round < 100; round++) await world.pass(1000);
    await world.stop();
    const written = world.linesWritten();
    const lost = world.dropped.get("buffer_full") ?? 0;
    assert.ok(lost > 0 && lost < written.length);
    assert.equal(world.taken.length, written.length - lost);
    const newest = written.filter(({ text }) => Number(text.split(" ")[1]) >= 1450).map(({ id }) => id);
    const taken = new Set(world.taken.map(({ id }) => id));
    assert.ok(newest.every((id) => taken.has(id)));
  });
});

function hasAll(world: World): boolean {
  const taken = new Set(world.taken.map(({ id }) => id));
  return world.linesWritten().every(({ id, text }) => text.startsWith("poison") || taken.has(id));
}
