import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { systemClock } from "../../base/os/clock.ts";
import { silentLog } from "../../base/os/log.ts";
import { MetricsRegistry } from "../../base/os/metrics.ts";
import { internalRaftRequest } from "../../proto/etcd.ts";
import { RecordEncoder } from "./encoder.ts";
import { FileWindow } from "./file-window.ts";
import { MemoryDisk } from "./fixtures/memory-disk.ts";
import { SegmentScan } from "./segment-scan.ts";
import { Wal, walSegmentBytes } from "./wal.ts";

const name = "0000000000000000-0000000000000000.wal";
/** Written by Debian's etcd 3.4.23: one member, five puts (k1=v1 to k5=v5), then kill -9. Zeros at the end left out. */
const written = readFile(join(import.meta.dirname, "testdata/etcd-3.4.wal.base64"), "utf8").then((text) =>
  Buffer.from(text, "base64"),
);

async function diskWith(bytes: Uint8Array): Promise<MemoryDisk> {
  const disk = new MemoryDisk();
  const file = await disk.open(`/wal/${name}`, { create: true });
  await file.truncate(walSegmentBytes);
  await file.write(0, [bytes]);
  return disk;
}

describe("etcd's write-ahead log", () => {
  it("is read", async () => {
    const disk = await diskWith(await written);
    const os = { disk, clock: systemClock, log: silentLog, metrics: new MetricsRegistry() };
    const { wal, recovered } = await Wal.open({ folder: "/wal" }, os);
    assert.equal(recovered.hardState.term, 2);
    assert.equal(recovered.hardState.vote, recovered.metadata.nodeId);
    assert.deepEqual(recovered.entries.map(({ index, type }) => `${index} ${type}`).slice(0, 2), [
      "1 confChange",
      "2 normal",
    ]);
    const puts = recovered.entries
      .slice(-5) // before them stand etcd 3.4's own requests in the older form
      .map((entry) => internalRaftRequest.decode(entry.data).put)
      .filter((put) => put !== undefined);
    assert.deepEqual(
      puts.map((put) => `${Buffer.from(put.key)}=${Buffer.from(put.value)}`),
      ["k1=v1", "k2=v2", "k3=v3", "k4=v4", "k5=v5"],
    );
    // And it can be written on.
    await wal.append({
      entries: [{ term: 2, index: 10, type: "normal", data: Buffer.from("more") }],
      sync: true,
    });
    await wal.close();
    const again = await Wal.open({ folder: "/wal" }, { ...os, metrics: new MetricsRegistry() });
    assert.equal(again.recovered.entries.length, 10);
  });

  it("is written by us byte for byte alike", async () => {
    const bytes = await written;
    const disk = await diskWith(bytes);
    const window = await FileWindow.open(await disk.open(`/wal/${name}`));
    await window.move(0, bytes.length);
    const scan = new SegmentScan(window, undefined);
    const encoder = new RecordEncoder(0);
    for (;;) {
      const scanned = scan.next();
      if (scanned.kind !== "record") {
        assert.equal(scanned.kind, "end");
        break;
      }
      if (scanned.type === "CRC") encoder.crcRecord();
      else encoder.record(scanned.type, scanned.data);
    }
    assert.deepEqual(Buffer.from(encoder.bytes), bytes);
  });
});
