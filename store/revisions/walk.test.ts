import assert from "node:assert/strict";
import { MemoryDisk } from "../wal/fixtures/memory-disk.ts";
import { revisionLogDefaults } from "./log-config.ts";
import { openSegments } from "./open-segments.ts";
import { RevisionLog } from "./revision-log.ts";
import { row } from "./testing/host.ts";
import { sliceRows } from "./walk.ts";

describe("store/revisions: a look at all rows", () => {
  it("lets others run after so many of them, however small they are", async () => {
    let pauses = 0;
    const pause = async () => {
      pauses++;
    };
    const parts = { folder: "/log", disk: new MemoryDisk(), pause };
    const inFiles = { ...revisionLogDefaults, recentBytesMax: 0 };
    const log = new RevisionLog(inFiles, parts, await openSegments(parts, [], undefined));
    log.attach({ save: () => undefined, durable: async () => undefined });
    const rows = 20_000;
    for (let main = 1; main <= rows; main++) log.append(row(main, 0, "v"));
    const cut = log.cut();
    assert.ok(cut !== undefined);
    await log.write(cut);
    const view = log.view();
    const slices = new Map<number, number>();
    await view.visit(() => void slices.set(pauses, (slices.get(pauses) ?? 0) + 1));
    await view.close();
    await log.close();
    const sizes = [...slices.values()];
    assert.equal(
      sizes.reduce((sum, size) => sum + size),
      rows,
    );
    assert.ok(Math.max(...sizes) <= sliceRows, `${Math.max(...sizes)} rows at a stretch`);
  });
});
