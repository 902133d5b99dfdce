import assert from "node:assert/strict";
import { constants, createDeflate, deflateSync } from "node:zlib";
import fc from "fast-check";
import { systemClock } from "../../../base/os/clock.ts";
import { spdyPair } from "../testing/spdy-client.ts";
import { SpdyConnection, type SpdyStream, spdyLimits } from "./connection.ts";
import { headerDictionary, headerDictionaryId } from "./dictionary.ts";
import { dataFrame, type Frame, FrameReader, pingFrame, SpdyError, synStreamFrame } from "./frames.ts";
import { HeaderBlockReader, HeaderBlockWriter, headerLimits } from "./header-block.ts";

function block(headers: readonly (readonly [string, string])[], count = headers.length): Buffer {
  const number = (value: number) => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(value);
    return bytes;
  };
  const word = (text: string) => Buffer.concat([number(text.length), Buffer.from(text)]);
  return Buffer.concat([number(count), ...headers.flatMap(([name, value]) => [word(name), word(value)])]);
}

/** Compresses blocks one after the other, as Go does. */
function compressor() {
  const deflate = createDeflate({ dictionary: headerDictionary, level: 9 });
  const out: Buffer[] = [];
  deflate.on("data", (piece) => out.push(piece));
  return async (bytes: Buffer) => {
    deflate.write(bytes);
    await new Promise<void>((resolve) => deflate.flush(constants.Z_SYNC_FLUSH, () => resolve()));
    return Buffer.concat(out.splice(0));
  };
}

describe("SPDY's header blocks", () => {
  it("are read one after the other as one compressed stream with the protocol's dictionary", async () => {
    assert.equal(
      deflateSync(Buffer.alloc(1), { dictionary: headerDictionary }).readUInt32BE(2),
      headerDictionaryId,
    );
    const compress = compressor();
    const reader = new HeaderBlockReader();
    for (let n = 0; n < 200; n++) {
      const headers = [
        ["streamtype", "data"],
        ["port", "80"],
        ["requestid", `${n}${"x".repeat(n * 3)}`],
      ] as const;
      assert.deepEqual([...reader.read(await compress(block(headers)))], headers);
    }
  });

  it("are refused when they are too large unpacked, too many, cut short, or otherwise named", async () => {
    const packed = (bytes: Buffer) => compressor()(bytes);
    const refused = async (bytes: Buffer) => assert.throws(() => new HeaderBlockReader().read(bytes));
    await refused(await packed(block([["a", "x".repeat(headerLimits.bytesMax)]])));
    await refused(await packed(Buffer.alloc(1024 * 1024)));
    await refused(await packed(block([["a", "b"]], 1000)));
    await refused(await packed(block([["a", "b"]]).subarray(0, 8)));
    await refused(await packed(Buffer.concat([block([["a", "b"]]), Buffer.alloc(1)])));
    for (const name of ["", "A"]) await refused(await packed(block([[name, "b"]])));
    await refused(
      await packed(
        block([
          ["a", "b"],
          ["a", "c"],
        ]),
      ),
    );
    await refused(Buffer.from("not compressed"));
    await refused(deflateSync(block([]), { dictionary: Buffer.from("another dictionary") }));
  });
});

describe("SPDY's frames", () => {
  const whole = (frames: readonly Frame[]) =>
    frames.map((frame) =>
      frame.type === "data" ? { ...frame, bytes: frame.bytes.toString("latin1") } : frame,
    );
  it("are the same however their bytes are cut, and data is handed on as it comes", () => {
    const writer = new HeaderBlockWriter();
    const bytes = Buffer.concat([
      synStreamFrame(1, [["streamtype", "data"]], writer),
      dataFrame(1, Buffer.from("hello"), false),
      pingFrame(1),
      dataFrame(1, Buffer.alloc(0), true),
      synStreamFrame(3, [], writer),
    ]);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 20 })), (sizes) => {
        const reader = new FrameReader(new HeaderBlockReader());
        const frames: Frame[] = [];
        let at = 0;
        for (const size of sizes) {
          frames.push(...reader.read(bytes.subarray(at, at + size)));
          at = Math.min(bytes.length, at + size);
        }
        frames.push(...reader.read(bytes.subarray(at)));
        const data = frames.filter((one) => one.type === "data");
        assert.equal(data.map((one) => one.bytes.toString()).join(""), "hello");
        assert.deepEqual(data.map(({ fin }) => fin).indexOf(true), data.length - 1);
        assert.deepEqual(
          whole(frames.filter((one) => one.type !== "data")),
          whole([
            { type: "syn-stream", id: 1, headers: new Map([["streamtype", "data"]]), fin: false },
            { type: "ping", id: 1 },
            { type: "syn-stream", id: 3, headers: new Map(), fin: false },
          ]),
        );
      }),
    );
  });

  it("are read from any bytes to an end or a SpdyError, and nothing else", () => {
    const head = fc.tuple(
      fc.constantFrom(0x8003, 0x8002, 0x0000, 0x7fff),
      fc.integer({ min: 0, max: 12 }),
      fc.nat(255),
      fc.constantFrom(0, 4, 8, 10, 12, 40, 0xffffff),
      fc.uint8Array({ maxLength: 60 }),
    );
    const frame = head.map(([version, type, flags, length, body]) => {
      const bytes = Buffer.alloc(8);
      bytes.writeUInt16BE(version);
      bytes.writeUInt16BE(type, 2);
      bytes.writeUInt8(flags, 4);
      bytes.writeUIntBE(length, 5, 3);
      return Buffer.concat([bytes, body]);
    });
    const garbage = fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes));
    fc.assert(
      fc.property(fc.array(fc.oneof(frame, garbage), { maxLength: 10 }), (chunks) => {
        const reader = new FrameReader(new HeaderBlockReader());
        try {
          for (const chunk of chunks) Array.from(reader.read(chunk));
        } catch (error) {
          assert.ok(error instanceof SpdyError, String(error));
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe("a SPDY connection", () => {
  const open = async (onStream: (stream: SpdyStream) => boolean = () => true) => {
    const { near, client } = await spdyPair();
    let closes = 0;
    const connection = new SpdyConnection(near, { onStream, onClose: () => void closes++ }, systemClock);
    return { connection, client, near, closes: () => closes };
  };

  it("carries many streams, each direction of which ends on its own", async () => {
    const { client, connection } = await open((stream) => {
      stream.on("data", (data) => stream.write(String(data).toUpperCase()));
      stream.on("end", () => stream.end("!"));
      return true;
    });
    for (let id = 1; id < 200; id += 2) client.open(id, {});
    for (let id = 1; id < 200; id += 2) client.say(id, `stream ${id}`, true);
    for (let id = 1; id < 200; id += 2) await client.until(() => client.hasEnded(id));
    assert.equal(client.said(199), "STREAM 199!");
    connection.close();
    await client.closed();
  });

  it("refuses streams whose number is even, used, or smaller than one before, and those beyond its bound", async () => {
    const { client, connection } = await open();
    for (const id of [2, 5, 5, 3]) client.open(id, {});
    client.socket.write(pingFrame(7));
    await client.until(() => client.heard.some(({ type }) => type === 6));
    const resets = client.heard
      .filter(({ type }) => type === 3)
      .map(({ id, body }) => [id, body.readUInt32BE(4)]);
    assert.deepEqual(resets, [
      [2, 1],
      [5, 1],
      [3, 1],
    ]);
    for (let n = 0; n < spdyLimits.streamsMax; n++) client.open(7 + n * 2, {});
    const last = 7 + (spdyLimits.streamsMax - 1) * 2;
    await client.until(() => client.resetOf(last) === 3);
    assert.equal(client.resetOf(last - 2), undefined);
    connection.destroy();
  });

  it("takes no more of a peer than is read", async () => {
    const held: SpdyStream[] = [];
    const { client, near, connection } = await open((stream) => held.push(stream) > 0);
    client.open(1, {});
    const piece = Buffer.alloc(64 * 1024, 1);
    let sent = 0;
    // Until the peer's own connection is full.
    while (client.socket.writableLength < 8 * 1024 * 1024) {
      client.say(1, piece);
      sent += piece.length;
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.ok(near.bytesRead < 4 * 1024 * 1024, `${near.bytesRead} bytes were taken`);
    let got = 0;
    held[0]?.on("data", (bytes) => {
      got += bytes.length;
    });
    client.say(1, "", true);
    await new Promise((resolve) => held[0]?.on("end", resolve));
    assert.equal(got, sent);
    connection.destroy();
  });

  it("ends, with its streams, on what no peer may send, and when the peer goes", async () => {
    const bad = [
      dataFrame(0, Buffer.alloc(1), false),
      Buffer.from("80040001000000ff", "hex"),
      Buffer.from("8003000100ffffff", "hex"),
      Buffer.concat([Buffer.from("800300010000000e", "hex"), Buffer.alloc(14, 1)]),
      Buffer.from("800300ff00000000", "hex"),
      undefined,
    ];
    for (const bytes of bad) {
      const held: SpdyStream[] = [];
      const { client, closes } = await open((stream) => held.push(stream) > 0);
      client.open(1, {});
      await client.until(() => client.heard.some(({ type }) => type === 2));
      if (bytes === undefined) client.socket.end();
      else client.socket.write(bytes);
      await client.closed();
      assert.equal(held[0]?.destroyed, true);
      await new Promise((resolve) => setImmediate(resolve));
      assert.equal(closes(), 1);
    }
  });

  it("lets a stream be reset by either side", async () => {
    const held: SpdyStream[] = [];
    const { client, connection } = await open((stream) => held.push(stream) > 0);
    client.open(1, {});
    client.open(3, {});
    await client.until(() => client.heard.filter(({ type }) => type === 2).length === 2);
    const gone = new Promise((resolve) => held[0]?.on("close", resolve));
    client.reset(1);
    await gone;
    client.say(1, "to nobody");
    held[1]?.destroy();
    await client.until(() => client.resetOf(3) === 5);
    assert.equal(client.resetOf(1), undefined);
    connection.destroy();
  });
});
