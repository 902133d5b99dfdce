import assert from "node:assert/strict";
import { crc32c } from "../../base/crc32c.ts";
import { blockHeadBytes, Chunk, isWholeBlock, readBlockHead, writeBlockHead } from "./row-format.ts";
import { Host, row, rowsOf } from "./testing/host.ts";

const checksumBytes = 4;

describe("store/revisions: the head of a block", () => {
  const head = { bodyBytes: 9_000, rows: 41, main: 2 ** 33 + 7, sub: 3 };
  const written = () => {
    const chunk = new Chunk(new Uint8Array(blockHeadBytes + head.bodyBytes));
    writeBlockHead(chunk, 0, head);
    return chunk;
  };

  it("is read as it was written, without its rows", () => {
    assert.deepEqual(readBlockHead(new Chunk(written().bytes.slice(0, blockHeadBytes))), head);
  });

  it("is none with any bit of it turned over, or two", () => {
    const { bytes } = written();
    const chunk = new Chunk(bytes);
    const turn = (bit: number) => {
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    };
    for (let first = 8 * checksumBytes; first < 8 * blockHeadBytes; first++) {
      turn(first);
      assert.equal(readBlockHead(chunk), undefined, `bit ${first}`);
      for (let second = first + 1; second < 8 * blockHeadBytes; second++) {
        turn(second);
        assert.equal(readBlockHead(chunk), undefined, `bits ${first} and ${second}`);
        turn(second);
      }
      turn(first);
    }
    assert.ok(isWholeBlock(chunk, 0, bytes.length));
  });

  it("is refused when a log is opened in which it leads astray, before anybody reads by it", async () => {
    const host = await new Host().open();
    for (let main = 2; main < 30; main++) host.log.append(row(main));
    await host.flush();
    const file = host.disk.files.get("/log/0000000001.rev");
    assert.ok(file !== undefined);
    const { bytes } = file;
    const second = blockHeadBytes + (readBlockHead(new Chunk(bytes))?.bodyBytes ?? 0);
    assert.ok((readBlockHead(new Chunk(bytes), second)?.main ?? 0) > 2, "the file has a second block");
    bytes[second + 12] = (bytes[second + 12] ?? 0) ^ 2; // rows
    await assert.rejects(host.open(), /the revision log is damaged \(no block begins at \d+\)/);
  });

  it("is read without a sum of its own, as it was written once", async () => {
    const host = await new Host().open();
    for (let main = 2; main < 30; main++) host.log.append(row(main));
    await host.flush();
    const rows = await rowsOf(host.log);
    for (const { bytes } of host.disk.files.values()) {
      const chunk = new Chunk(bytes);
      for (let at = 0; at < bytes.length; ) {
        const end = at + blockHeadBytes + (readBlockHead(chunk, at)?.bodyBytes ?? 0);
        bytes.set(Buffer.from("PVB1"), at + checksumBytes);
        chunk.view.setUint32(at, crc32c(0, bytes, at + checksumBytes, end), true);
        at = end;
      }
    }
    assert.deepEqual(await rowsOf((await host.reopen()).log), rows);
  });
});
