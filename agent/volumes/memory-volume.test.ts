import { strict as assert } from "node:assert";
import { mkdtemp, rm, stat, statfs } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Container, Pod } from "../../client/types.ts";
import { noCsi } from "../csi/testing/no-csi.ts";
import { noRemote } from "../remote-volumes/testing/no-remote.ts";
import { memoryVolumeBytes } from "./memory-volume.ts";
import { PodVolumes } from "./pod-volumes.ts";

const mi = 2 ** 20;
const limited = (memory?: string) =>
  ({ name: "c", ...(memory && { resources: { limits: { memory } } }) }) as Container;

describe("an empty folder in memory", () => {
  const sizeOf = (limits: readonly (string | undefined)[], sizeLimit?: string, initLimits: string[] = []) =>
    memoryVolumeBytes(
      { containers: limits.map(limited), initContainers: initLimits.map(limited) },
      sizeLimit,
      1024 * mi,
    ) / mi;

  it("is as large as its own limit, unless its pod or the node has less", () => {
    assert.equal(sizeOf([undefined], "64Mi"), 64);
    assert.equal(sizeOf(["32Mi"], "64Mi"), 32);
    assert.equal(sizeOf([undefined], "2Gi"), 1024);
  });

  it("without a limit, or with one of zero, is as large as its pod's memory, else as what the node can give", () => {
    for (const sizeLimit of [undefined, "0"]) {
      assert.equal(sizeOf(["32Mi", "16Mi"], sizeLimit), 48);
      assert.equal(sizeOf([undefined], sizeLimit), 1024);
    }
  });

  it("takes no note of a pod's memory that not every container limits", () => {
    assert.equal(sizeOf(["32Mi", undefined], "64Mi"), 64);
    assert.equal(sizeOf(["32Mi", "0"]), 1024);
    assert.equal(sizeOf(["32Mi"], undefined, ["0"]), 1024);
    assert.equal(sizeOf(["32Mi"], undefined, ["80Mi"]), 80);
  });

  it("is as large as its pod's memory as a whole", () => {
    const resources = { limits: { memory: "16Mi" } };
    assert.equal(memoryVolumeBytes({ containers: [limited()], resources }, "64Mi", 1024 * mi), 16 * mi);
  });

  /** Calls `look` with an empty folder's place, made for each of the volumes of a pod. */
  async function withVolumes(
    list: readonly { readonly name: string }[],
    securityContext: object,
    look: (folderOf: (volume: { readonly name: string }) => string) => Promise<void>,
  ): Promise<void> {
    const dir = await mkdtemp(join(tmpdir(), "pintle-memory-"));
    const made = {
      dir,
      sources: {} as never,
      tokens: { token: async () => "", forget: () => undefined },
      claimed: { pathOf: async () => "", forget: () => undefined },
      csi: noCsi,
      remote: noRemote,
      mountsSubPaths: false,
      recursiveReadOnly: false,
    };
    const volumes = new PodVolumes(made);
    const pod = {
      metadata: { name: "p", uid: "u" },
      spec: { containers: [], volumes: list, securityContext },
    } as unknown as Pod;
    const allocatable = { cpuMillis: 1000, memoryBytes: 8 * mi, storageBytes: 8 * mi };
    try {
      const { signal } = new AbortController();
      await volumes.prepare(pod, { nodeIp: "10.0.0.1", podIp: "", allocatable }, signal);
      await look((volume) => volumes.folderOf(pod, volume));
    } finally {
      await volumes.remove("u");
      await rm(dir, { recursive: true });
    }
  }

  it("is mounted as large as that", async function () {
    if (process.getuid?.() !== 0) this.skip();
    const named = (name: string, sizeLimit: string) => ({ name, emptyDir: { medium: "Memory", sizeLimit } });
    const list = [named("small", "1Mi"), named("zero", "0")];
    await withVolumes(list, {}, async (folderOf) => {
      const sizes = list.map(async (volume) => {
        const { blocks, bsize } = await statfs(folderOf(volume));
        return (blocks * bsize) / mi;
      });
      assert.deepEqual(await Promise.all(sizes), [1, 8]);
    });
  });

  it("has tmpfs' own mode, one on the disk has no sticky bit, and both are the pod's group's", async function () {
    if (process.getuid?.() !== 0) this.skip();
    const list = [
      { name: "memory", emptyDir: { medium: "Memory" } },
      { name: "disk", emptyDir: {} },
    ];
    const seen = async (path: string) => {
      const { gid, mode } = await stat(path);
      return `${gid} ${(mode & 0o7777).toString(8)}`;
    };
    await withVolumes(list, {}, async (folderOf) => {
      const [memory, disk] = list.map((volume) => seen(folderOf(volume)));
      assert.deepEqual([await memory, await disk], ["0 1777", "0 777"]);
    });
    await withVolumes(list, { fsGroup: 123 }, async (folderOf) => {
      const [memory, disk] = list.map((volume) => seen(folderOf(volume)));
      assert.deepEqual([await memory, await disk], ["123 3777", "123 2777"]);
    });
  });
});
