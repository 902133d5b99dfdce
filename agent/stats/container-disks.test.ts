import { strict as assert } from "node:assert";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLog } from "../../base/os/log.ts";
import { ManualClock } from "../../client/testing/manual-clock.ts";
import type { RuntimeContainer } from "../runtime/seam.ts";
import { roundMs } from "./background-round.ts";
import { ContainerDisks } from "./container-disks.ts";

describe("agent/stats: what containers hold of the disk", () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), "pintle-disks-"));
  });
  afterEach(() => rm(dir, { recursive: true }));
  const container = (id: string, phase = "running") =>
    ({
      ...{ id, name: id, pod: { namespace: "n", name: "p", uid: "u" } },
      ...{ logPath: join(dir, id, "0.log"), state: { phase } },
    }) as RuntimeContainer;

  it("is measured when somebody asks, once a minute, of those that run and can be measured", async () => {
    await mkdir(join(dir, "a"));
    await writeFile(join(dir, "a/0.log"), Buffer.alloc(5000));
    await writeFile(join(dir, "a/1.log"), "x");
    const clock = new ManualClock();
    const measured: string[] = [];
    const disks = new ContainerDisks({
      runtime: {
        listContainers: () => [
          container("a"),
          container("b"),
          container("broken"),
          container("over", "exited"),
        ],
        writtenBytes: async (id) => {
          measured.push(id);
          if (id === "broken") throw new Error("no");
          return id === "a" ? 70 : undefined;
        },
        writtenInodes: async () => 7,
      },
      ...{ clock, log: silentLog, signal: new AbortController().signal },
    });
    assert.equal(disks.current().size, 0);
    await disks.settled();
    const found = disks.current();
    assert.deepEqual([...found.keys()], ["a", "b"]);
    assert.deepEqual(found.get("a")?.rootfs, { usedBytes: 70, inodesUsed: 7 });
    const { usedBytes = 0, inodesUsed } = found.get("a")?.logs ?? {};
    assert.ok(usedBytes >= 5001 && usedBytes < 100_000, String(usedBytes));
    assert.equal(inodesUsed, 2);
    assert.deepEqual(Object.keys(found.get("b") ?? {}), ["atMs"]);
    assert.equal(measured.length, 3);
    await clock.advance(roundMs);
    disks.current();
    await disks.settled();
    assert.equal(measured.length, 6);
  });
});
