import { strict as assert } from "node:assert";
import { mkdtemp, readFile, rm, stat, statfs } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Container, PodSpec } from "../../client/types.ts";
import { readHugePages } from "../memory/huge-pages.ts";
import { mustRun } from "../runtime/supervised/run-command.ts";
import { showEmptyFolder } from "./empty-folder.ts";
import { hugePageMountOptions, isHugePageMedium } from "./huge-page-volume.ts";

const mi = 2 ** 20;
const asking = (...amounts: Record<string, string>[]): Container[] =>
  amounts.map((requests, index) => ({ name: `c${index}`, resources: { requests, limits: requests } }));
const two = { "hugepages-2Mi": "4Mi" };
const big = { "hugepages-1Gi": "1Gi" };

describe("an empty folder in huge pages", () => {
  it("is of the size that its medium names, or else of the one that its pod asks for", () => {
    const both: PodSpec = { containers: asking(two, big) };
    const told = (spec: PodSpec, medium: string, sizeLimit?: string) => {
      const { pageBytes, bytesMost } = hugePageMountOptions(spec, medium, sizeLimit);
      return [pageBytes / mi, bytesMost / mi];
    };
    assert.deepEqual(told({ containers: asking(two) }, "HugePages"), [2, 4]);
    assert.deepEqual(told(both, "HugePages-2Mi"), [2, 4]);
    assert.deepEqual(told(both, "HugePages-1Gi"), [1024, 1024]);
    assert.deepEqual(told({ containers: asking(two, two) }, "HugePages"), [2, 8]);
    assert.deepEqual(
      told({ containers: asking({}), initContainers: asking(big) }, "HugePages"),
      [1024, 1024],
    );
    const asWhole = { requests: { "hugepages-2Mi": "6Mi" } };
    assert.deepEqual(told({ containers: asking({}), resources: asWhole }, "HugePages"), [2, 6]);
  });

  it("is no larger than its own limit; one of zero is none", () => {
    const spec = { containers: asking(two) };
    for (const [limit, most] of [
      ["2Mi", 2],
      ["8Mi", 4],
      ["0", 4],
    ] as const)
      assert.equal(hugePageMountOptions(spec, "HugePages", limit).bytesMost, most * mi);
  });

  it("is refused, in the kubelet's words, where the pod asks for no such pages, or for several sizes", () => {
    assert.throws(() => hugePageMountOptions({ containers: asking(two, big) }, "HugePages", undefined), {
      message: "medium: HugePages can't be used if container requests multiple huge page sizes",
    });
    for (const [medium, containers] of [
      ["HugePages", asking({ cpu: "1" })],
      ["HugePages-1Gi", asking(two)],
    ] as const)
      assert.throws(() => hugePageMountOptions({ containers }, medium, undefined), {
        message: `medium ${medium}: hugePages storage requested, but there is no resource request for huge pages`,
      });
  });

  it("has a medium of pages, and no other", () => {
    for (const medium of ["HugePages", "HugePages-2Mi", "HugePages-1Gi"]) assert.ok(isHugePageMedium(medium));
    for (const medium of ["", "Memory", "HugePages-", "HugePages-big", "hugepages-2Mi", "Huge"])
      assert.ok(!isHugePageMedium(medium), medium);
  });

  it("is mounted so, and is the pod's group's", async function () {
    const sizes = (await readHugePages()).map(({ pageBytes }) => pageBytes);
    if (process.getuid?.() !== 0 || !sizes.includes(2 * mi)) return this.skip();
    const folder = join(await mkdtemp(join(tmpdir(), "pintle-huge-")), "v");
    const spec = { containers: asking(two), securityContext: { fsGroup: 123 } };
    try {
      for (let again = 0; again < 2; again++)
        await showEmptyFolder(folder, spec, { medium: "HugePages" }, mi);
      const lines = (await readFile("/proc/self/mounts", "utf8")).split("\n");
      const found = lines.filter((line) => line.split(" ")[1] === folder);
      assert.equal(found.length, 1);
      assert.match(found[0] ?? "", / hugetlbfs .*pagesize=2M/);
      const { blocks, bsize } = await statfs(folder);
      assert.equal(blocks * bsize, 4 * mi);
      const { gid, mode } = await stat(folder);
      assert.deepEqual([gid, (mode & 0o7777).toString(8)], [123, "2777"]);
    } finally {
      await mustRun(["umount", folder]);
      await rm(join(folder, ".."), { recursive: true });
    }
  });
});
