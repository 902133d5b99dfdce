import { strict as assert } from "node:assert";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  hugePageBytes,
  hugePageLimits,
  hugePagesAmong,
  hugePagesName,
  pageBytesOf,
  pageSizeOfGroups,
  readHugePages,
} from "./huge-pages.ts";

const mi = 2 ** 20;

describe("huge pages", () => {
  it("are a resource for each size, and a file of control groups", () => {
    const sizes = [64 * 1024, 2 * mi, 32 * mi, 1024 * mi, 16 * 1024 * mi];
    const names = ["64Ki", "2Mi", "32Mi", "1Gi", "16Gi"].map((size) => `hugepages-${size}`);
    assert.deepEqual(sizes.map(hugePagesName), names);
    assert.deepEqual(names.map(pageBytesOf), sizes);
    assert.deepEqual(sizes.map(pageSizeOfGroups), ["64KB", "2MB", "32MB", "1GB", "16GB"]);
    for (const name of ["memory", "hugepages-", "hugepages-big", "requests.hugepages-2Mi"])
      assert.equal(pageBytesOf(name), undefined);
  });

  it("are found in the kernel's folders, those of sizes of which there are none too", async () => {
    const dir = await mkdtemp(join(tmpdir(), "pintle-pages-"));
    try {
      for (const [name, count] of [
        ["hugepages-1048576kB", 0],
        ["hugepages-2048kB", 12],
        ["other", 1],
      ] as const) {
        await mkdir(join(dir, name));
        await writeFile(join(dir, name, "nr_hugepages"), `${count}\n`);
      }
      const pools = await readHugePages(dir);
      assert.deepEqual(pools, [
        { pageBytes: 2 * mi, count: 12 },
        { pageBytes: 1024 * mi, count: 0 },
      ]);
      assert.deepEqual(hugePageBytes(pools), { "hugepages-2Mi": 24 * mi, "hugepages-1Gi": 0 });
      assert.deepEqual(await readHugePages(join(dir, "none")), []);
    } finally {
      await rm(dir, { recursive: true });
    }
  });

  it("of sizes that nobody asked for are limited to none", () => {
    const asked = hugePagesAmong({ cpu: 100, memory: 5, "hugepages-2Mi": 4 * mi });
    assert.deepEqual(hugePageLimits([2 * mi, 1024 * mi], asked), [
      { pageBytes: 2 * mi, bytesMost: 4 * mi },
      { pageBytes: 1024 * mi, bytesMost: 0 },
    ]);
    assert.deepEqual(hugePageLimits([], asked), []);
  });
});
