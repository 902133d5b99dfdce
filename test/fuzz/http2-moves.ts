import fc from "fast-check";
import { frame, frameFlags, frameTypes, settingIds, uint32 } from "../../base/http2/frames.ts";
import { headerBlock } from "../../base/http2/header-block.ts";
import { call, get, grpcData, settingsOf, windowUpdate } from "../../base/http2/testing/raw-client.ts";

const { DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PING, CONTINUATION } = frameTypes;
const { END_HEADERS, END_STREAM, PADDED } = frameFlags;
const paths = ["Echo", "Later", "Fail", "Large", "Stream", "Absent"] as const;

/** What a client does next; what the numbers mean depends on the kind, and on what the client did before. */
export interface Move {
  readonly kind: keyof typeof rightly | keyof typeof wrongly;
  readonly a: number;
  readonly b: number;
  readonly bytes: Uint8Array;
}

type Make = (moves: Moves, move: Move) => readonly Buffer[];

interface OpenStream {
  readonly id: number;
  readonly isGrpc: boolean;
}

/** The client's side of a connection as moves make it: which frames they stand for. */
export class Moves {
  /** Not yet ended by the client. */
  readonly open: OpenStream[] = [];
  /** Requests that are whole, and what the server must answer unless it was reset. */
  readonly echoes = new Map<number, Uint8Array>();
  readonly counts = { frames: 0 };
  /** Bytes that the server may send. */
  windowBytes = 65_535;
  lastId = -1;

  /** The frames of a move, each by itself. */
  framesOf(move: Move): readonly Buffer[] {
    const make = { ...rightly, ...wrongly }[move.kind];
    const frames = make(this, move);
    this.counts.frames += frames.length;
    return frames;
  }

  begin(isGrpc: boolean): number {
    this.lastId += 2;
    this.open.push({ id: this.lastId, isGrpc });
    return this.lastId;
  }

  /** One of the open streams; taken out of them if it ends. */
  pick(at: number, ends: boolean): OpenStream | undefined {
    const index = at % Math.max(1, this.open.length);
    const stream = this.open[index];
    if (ends && stream !== undefined) this.open.splice(index, 1);
    return stream;
  }
}

const list = (headers: Readonly<Record<string, string>>) =>
  headerBlock(Object.entries(headers).map(([name, value]) => ({ name, value })));
const head = (id: number, headers: Readonly<Record<string, string>>, end: boolean) =>
  frame(HEADERS, END_HEADERS | (end ? END_STREAM : 0), id, list(headers));
const small = (bytes: Uint8Array) => bytes.subarray(0, 64);

/** What a client may do. */
const rightly = {
  echo: (moves, { a, bytes }) => {
    const id = moves.begin(true);
    moves.open.pop();
    moves.echoes.set(id, bytes);
    return [head(id, call(`/test.Test/${a % 2 === 0 ? "Echo" : "Later"}`), false), grpcData(id, bytes)];
  },
  call: (moves, { a, b }) => {
    const timeout = b % 3 === 0 ? { "grpc-timeout": `${1 + (b % 40)}m` } : {};
    const path = `/test.Test/${paths[a % paths.length]}`;
    return [head(moves.begin(true), { ...call(path), ...timeout }, false)];
  },
  plain: (moves, { a }) => {
    const id = moves.begin(false);
    if (a % 2 === 0) moves.open.pop();
    return [head(id, { ...get, ":method": a % 2 === 0 ? "GET" : "POST" }, a % 2 === 0)];
  },
  message: (moves, { a, b, bytes }) => {
    const stream = moves.pick(a, b % 4 === 0);
    if (stream === undefined) return [];
    const data = stream.isGrpc
      ? grpcData(stream.id, bytes, b % 4 === 0)
      : frame(DATA, b % 4 === 0 ? END_STREAM : 0, stream.id, bytes);
    return [data];
  },
  piece: (moves, { a, bytes }) => {
    const stream = moves.pick(a, false);
    return stream === undefined
      ? []
      : [frame(DATA, PADDED, stream.id, Buffer.concat([Buffer.from([3]), bytes, Buffer.alloc(3)]))];
  },
  empty: (moves, { a, b }) => {
    const stream = moves.pick(a, false);
    return stream === undefined
      ? []
      : Array.from({ length: 1 + (b % 5) }, () => frame(DATA, 0, stream.id, Buffer.alloc(0)));
  },
  end: (moves, { a, b }) => {
    const stream = moves.pick(a, true);
    if (stream === undefined) return [];
    return [
      b % 2 === 0
        ? frame(DATA, END_STREAM, stream.id, Buffer.alloc(0))
        : head(stream.id, { "x-sum": "1" }, true),
    ];
  },
  split: (moves, { a }) => {
    const id = moves.begin(true);
    const block = list({ ...call("/test.Test/Stream"), "x-long": "v".repeat(a % 300) });
    const cuts = [1 + (a % 20), 30 + (a % 7)];
    return [
      frame(HEADERS, 0, id, block.subarray(0, cuts[0])),
      frame(CONTINUATION, 0, id, block.subarray(cuts[0], cuts[1])),
      frame(CONTINUATION, END_HEADERS, id, block.subarray(cuts[1])),
    ];
  },
  table: (moves, { a }) => {
    const id = moves.begin(true);
    const value = Buffer.from(`v${a % 50}`);
    const indexed = Buffer.concat([
      Buffer.from([0x40, 3]),
      Buffer.from("x-i"),
      Buffer.from([value.length]),
      value,
    ]);
    const size = a % 9 === 0 ? Buffer.from([0x20, 0x3f, 0xe1, 0x1f]) : Buffer.alloc(0);
    return [
      frame(
        HEADERS,
        END_HEADERS,
        id,
        Buffer.concat([size, list(call("/test.Test/Stream")), indexed, Buffer.from([0x80 | 62])]),
      ),
    ];
  },
  reset: (moves, { a, b }) => {
    const stream = moves.pick(a, true);
    return stream === undefined ? [] : [frame(RST_STREAM, 0, stream.id, uint32(b))];
  },
  forget: (moves, { a, b }) => {
    // Of any stream that was begun, over or not.
    if (moves.lastId < 1) return [];
    const id = 1 + 2 * (a % ((moves.lastId + 1) / 2));
    moves.echoes.delete(id);
    const at = moves.open.findIndex((stream) => stream.id === id);
    if (at !== -1) moves.open.splice(at, 1);
    return [frame(RST_STREAM, 0, id, uint32(b))];
  },
  window: (moves, { a }) => {
    moves.windowBytes += 1 + (a % 50_000);
    return [windowUpdate(0, 1 + (a % 50_000))];
  },
  streamWindow: (moves, { a, b }) =>
    moves.lastId < 1 ? [] : [windowUpdate(1 + 2 * (a % ((moves.lastId + 1) / 2)), 1 + (b % 2_000))],
  settings: (_, { a, b }) => [
    frame(
      SETTINGS,
      0,
      0,
      settingsOf(
        [settingIds.INITIAL_WINDOW_SIZE, a % 100_000],
        [settingIds.HEADER_TABLE_SIZE, b % 8_000],
        [10 + (b % 60_000), a],
      ),
    ),
  ],
  acknowledge: () => [frame(SETTINGS, frameFlags.ACK, 0, Buffer.alloc(0))],
  ping: (_, { a, bytes }) => [
    frame(PING, a % 2, 0, Buffer.concat([small(bytes), Buffer.alloc(8)]).subarray(0, 8)),
  ],
  priority: (_, { a }) => [frame(PRIORITY, 0, 1 + (a % 50), Buffer.alloc(5, a))],
  unknown: (_, { a, b, bytes }) => [frame(10 + (a % 200), b % 256, b % 9, bytes)],
} satisfies Record<string, Make>;

/** What a client may not do, or only by chance. */
const wrongly = {
  anyFrame: (_, { a, b, bytes }) => [frame(a % 11, b % 256, a % 15, bytes)],
  badBlock: (moves, { bytes }) => [frame(HEADERS, END_HEADERS, moves.begin(true), bytes)],
  badHead: (moves, { a, bytes }) => {
    const bad = { ...call("/test.Test/Echo"), [Buffer.from(small(bytes)).toString("latin1") || "A"]: "x" };
    return [head(moves.begin(true), a % 2 === 0 ? bad : { "content-type": "application/grpc" }, a % 3 === 0)];
  },
  usedStream: (moves, { a }) => [
    head(1 + (a % Math.max(1, moves.lastId)), call("/test.Test/Echo"), a % 2 === 0),
  ],
  spoiled: (moves, move) => {
    const frames = rightly.call(moves, move).map((one) => Buffer.from(one));
    for (const one of frames) one[move.a % one.length] = move.b;
    return frames;
  },
  cut: (moves, move) =>
    rightly
      .echo(moves, move)
      .map((one, at) => (at === 0 ? one : one.subarray(0, one.length - 1 - (move.a % 5)))),
  wideWindow: (moves, { a }) => [windowUpdate(a % 2 === 0 ? 0 : moves.lastId, 0x7fffffff)],
  anyBytes: (_, { bytes }) => [Buffer.from(bytes)],
} satisfies Record<string, Make>;

const numbers = { a: fc.nat(0xffff), b: fc.nat(0xffff) };
const fewBytes = fc.uint8Array({ maxLength: 40 });
const anyBytes = fc.oneof({ weight: 4, arbitrary: fewBytes }, long(1_000, 5_000, 16_000));
const moveOf = (kinds: readonly string[], bytes: fc.Arbitrary<Uint8Array>) =>
  fc.record({ kind: fc.constantFrom(...(kinds as Move["kind"][])), ...numbers, bytes });

/** So many of these, all together, are less than the server's windows. */
export const rightMovesMost = 120;
export const rightMove: fc.Arbitrary<Move> = moveOf(Object.keys(rightly), fc.oneof(fewBytes, long(1_000)));
export const anyMove: fc.Arbitrary<Move> = fc.oneof(
  { weight: 30, arbitrary: moveOf(Object.keys(rightly), anyBytes) },
  { weight: 1, arbitrary: moveOf(Object.keys(wrongly), anyBytes) },
);

function long(...sizes: readonly number[]): fc.Arbitrary<Uint8Array> {
  return fc.constantFrom(...sizes).map((size) => new Uint8Array(size).fill(7));
}
