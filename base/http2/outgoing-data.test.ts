import assert from "node:assert/strict";
import { duplexPair } from "./duplex-pair.ts";
import { defaultWindowBytes } from "./frames.ts";
import { OutgoingData, type OutgoingStream } from "./outgoing-data.ts";
import { FrameOutput } from "./output.ts";

const streamCount = 1_000;

/** A stream that has bytes to send without end, and counts how often it is looked at. */
class EndlessStream implements OutgoingStream {
  static looks = 0;
  readonly id: number;
  sentBytes = 0;
  readonly last = "none";
  #window: number;

  constructor(id: number, windowBytes: number) {
    this.id = id;
    this.#window = windowBytes;
  }

  get sendWindow(): number {
    EndlessStream.looks += 1;
    return this.#window;
  }

  set sendWindow(bytes: number) {
    this.#window = bytes;
  }

  get isWaiting(): boolean {
    return true;
  }

  take(bytesMost: number): Uint8Array {
    this.sentBytes += bytesMost;
    return Buffer.alloc(bytesMost);
  }

  tellDrained(): void {}
}

const endless = (windowBytes: number) =>
  Array.from({ length: streamCount }, (_, at) => new EndlessStream(2 * at + 1, windowBytes));

describe("what a connection's streams have to send", () => {
  const begun = (streams: readonly EndlessStream[]) => {
    const [near, far] = duplexPair();
    far.resume();
    const output = new FrameOutput(near, () => undefined);
    const data = new OutgoingData<EndlessStream>(output, {
      ended: () => undefined,
      trailers: () => undefined,
    });
    for (const stream of streams) {
      data.pump(stream);
      output.flush();
    }
    EndlessStream.looks = 0;
    return { data, output };
  };
  const sent = (streams: readonly EndlessStream[]) =>
    streams.reduce((sum, { sentBytes }) => sum + sentBytes, 0);

  it("looks at no stream that its own window shuts when another, or the connection, gets more", () => {
    const shut = endless(0);
    const open = new EndlessStream(9_001, 1_000_000);
    const { data, output } = begun([...shut, open]);
    assert.equal(open.sentBytes, defaultWindowBytes);
    for (let at = 0; at < 1_000; at++) {
      data.widen(1);
      output.flush();
    }
    assert.equal(open.sentBytes, defaultWindowBytes + 1_000);
    assert.ok(EndlessStream.looks < 20_000, `${EndlessStream.looks} looks`);
  });

  it("gives each stream its turn, however little there is room for at a time, and looks at few of them", () => {
    const waiting = endless(1_000_000);
    const { data, output } = begun(waiting);
    for (let at = 0; at < 2 * streamCount; at++) {
      data.widen(1);
      output.flush();
    }
    assert.equal(sent(waiting), defaultWindowBytes + 2 * streamCount);
    for (const { id, sentBytes } of waiting.slice(10)) assert.equal(sentBytes, 2, `stream ${id}`);
    assert.ok(EndlessStream.looks < 40 * streamCount, `${EndlessStream.looks} looks`);
  });

  it("goes on with streams that a larger initial window opens, and not with those that it leaves shut", () => {
    const [some, others] = [endless(0), endless(-10)];
    const { data, output } = begun([...some, ...others]);
    const [more, less] = [defaultWindowBytes + 5, defaultWindowBytes];
    const all = [...some, ...others];
    data.setInitialWindow({ last: more, most: more }, all);
    output.flush();
    assert.deepEqual([sent(some), sent(others)], [5 * streamCount, 0]);
    data.setInitialWindow({ last: less, most: more }, all);
    data.widenStream(some[0] as EndlessStream, 5);
    data.widenStream(some[1] as EndlessStream, 6);
    data.widenStream(others[0] as EndlessStream, 11);
    output.flush();
    assert.deepEqual([sent(some), sent(others)], [5 * streamCount + 1, 1]);
  });
});
