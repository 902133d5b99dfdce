import { strict as assert } from "node:assert";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { createWriteStream, existsSync } from "node:fs";
import { mkdir, mkdtemp, open, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { deferred } from "../../../base/deferred.ts";
import { importImage } from "../import-image.ts";
import { ImageStore } from "../store.ts";
import { digestOf, dockerFolder, layerTar } from "../testing/docker-archive.ts";
import { unpackHere } from "../testing/unpack-here.ts";
import { LayerStore } from "./layer-store.ts";

let dir: string;
let layersDir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "pintle-layer-store-"));
  layersDir = join(dir, "layers");
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const base = { "etc/base": "base" };
const trees = async () => (await readdir(join(layersDir, "trees"))).sort();
const openNode = (name: string) => ImageStore.open(join(dir, name), { layersDir, openUnpacker: unpackHere });
const image = async (name: string, ...layers: Record<string, string>[]) => {
  const folder = join(dir, name.replace(/\W/g, "-"));
  await dockerFolder(folder, name, layers);
  return folder;
};
const fileOf = async (store: ImageStore, name: string, path: string) => {
  const found = await store.find(name);
  assert.ok(found, `${name} is here`);
  return readFile(join(await store.folderOf(found.id), path), "utf8");
};
/** Imports, or without an archive sweeps. */
const atWork = (node: string, archive?: string) =>
  spawn(
    process.execPath,
    [
      "--import",
      "tsx",
      fileURLToPath(new URL("../testing/store-process.ts", import.meta.url)),
      join(dir, node),
      layersDir,
      ...(archive === undefined ? [] : [archive]),
    ],
    { stdio: ["ignore", "ignore", "inherit"] },
  );

describe("layers of images", () => {
  it("are unpacked once for all images and nodes, and go with the last that has them", async () => {
    const [one, two] = [await openNode("node-1"), await openNode("node-2")];
    const [first] = await importImage(one, await image("a:1", base, { a: "1" }));
    await importImage(two, await image("a:1", base, { a: "1" }));
    const [other] = await importImage(two, await image("b:1", base, { b: "1" }));
    assert.equal((await trees()).length, 3);
    assert.deepEqual(first?.layers?.[0], other?.layers?.[0]);

    await one.remove(first?.id ?? "");
    assert.equal(await one.find("a:1"), undefined);
    assert.equal(await fileOf(two, "a:1", "etc/base"), "base");
    await two.remove(first?.id ?? "");
    assert.equal(await fileOf(two, "b:1", "b"), "1");
    assert.deepEqual(
      (await trees()).filter((name) => !name.endsWith("-whole")),
      [...(other?.layers ?? [])].sort(),
    );
    await two.remove(other?.id ?? "");
    assert.deepEqual(await trees(), []);
  });

  it("are not fetched where they stand, and several are fetched at a time", async () => {
    const store = await LayerStore.open(layersDir, { openUnpacker: unpackHere });
    const contents = await Promise.all([base, { a: "1" }, { b: "1" }, { c: "1" }].map(layerTar));
    const waiting: (() => void)[] = [];
    const fetched: number[] = [];
    const inputs = contents.map((bytes, at) => ({
      content: digestOf(bytes),
      fetch: async (part: string) => {
        fetched.push(at);
        const turn = deferred<void>();
        waiting.push(() => turn.resolve());
        // The first two are let go when both are being fetched.
        if (waiting.length >= 2) for (const go of waiting.splice(0)) go();
        await turn.promise;
        await writeFile(part, bytes);
        return { path: part };
      },
    }));
    const names = await store.bring(inputs, { fetchesMost: 2 }, async (all) => all);
    assert.deepEqual([...fetched].sort(), [0, 1, 2, 3]);
    assert.deepEqual(fetched.slice(0, 2).sort(), [0, 1], "the lowest first");
    const told: string[] = [];
    await store.bring(inputs, { onLayer: (at, how) => told.push(`${at} ${how}`) }, async () => undefined);
    assert.equal(fetched.length, 4);
    assert.deepEqual(told.sort(), ["0 there", "1 there", "2 there", "3 there"]);
    assert.equal(names.length, 4);
    assert.deepEqual(await readdir(join(layersDir, "parts")), []);
  });

  it("stay while somebody is at work that has not listed them yet, and others go meanwhile", async () => {
    const [one, two] = [await openNode("node-1"), await openNode("node-2")];
    const [added] = await importImage(two, await image("a:1", base, { a: "1" }));
    const store = await LayerStore.open(layersDir, { openUnpacker: unpackHere });
    const bytes = await layerTar(base);
    const input = { content: digestOf(bytes), fetch: () => Promise.reject(new Error("it stands")) };
    await store.bring([input], {}, async (names) => {
      await two.remove(added?.id ?? "");
      assert.deepEqual(await trees(), names);
    });
    await one.sweep({ youngMs: 3_600_000 });
    assert.equal((await trees()).length, 1, "it just came");
    await one.sweep();
    assert.deepEqual(await trees(), []);
  });

  it("stay whole when a sweep is killed in the middle, and the next does its work", async function () {
    this.timeout(180_000);
    const [one, two] = [await openNode("node-1"), await openNode("node-2")];
    await openNode("node-3");
    await importImage(one, await image("a:1", base, { a: "1" }));
    await importImage(two, await image("b:1", base, { b: "1" }));
    await writeFile(join(dir, "node-2", "images.json"), "[]");
    const list = join(dir, "node-3", "images.json");
    assert.equal(spawnSync("mkfifo", [list]).status, 0);
    const child = atWork("node-1");
    const ended = once(child, "exit");
    // It has the lock, and reads.
    const held = await open(list, "w");
    child.kill("SIGKILL");
    await ended;
    await held.close();
    await rm(list);
    assert.equal((await trees()).length, 3);
    await two.sweep();
    assert.equal((await trees()).length, 2);
    assert.equal(await fileOf(one, "a:1", "etc/base"), "base");
  });

  it("stay where a list of images cannot be read", async () => {
    const [one, two] = [await openNode("node-1"), await openNode("node-2")];
    const [added] = await importImage(one, await image("a:1", base));
    await importImage(two, await image("b:1", { b: "1" }));
    await writeFile(join(dir, "node-2", "images.json"), "[{");
    await assert.rejects(one.remove(added?.id ?? ""), SyntaxError);
    assert.equal((await trees()).length, 2);
  });

  it("go with a node whose folder was removed", async () => {
    const [one, two] = [await openNode("node-1"), await openNode("node-2")];
    await importImage(one, await image("a:1", base, { a: "1" }));
    const [kept] = await importImage(two, await image("b:1", base));
    await rm(join(dir, "node-1"), { recursive: true });
    await two.sweep();
    assert.deepEqual(await trees(), kept?.layers);
  });

  it("are unpacked anew after whoever did it was killed in the middle", async function () {
    this.timeout(180_000);
    const text = "x".repeat(512 * 1024);
    const folder = await image("a:1", base, { first: "1", second: text });
    const layer = join(folder, "1.tar");
    const bytes = await readFile(layer);
    await rm(layer);
    assert.equal(spawnSync("mkfifo", [layer]).status, 0);
    const other = await openNode("node-2");
    const child = atWork("node-1", folder);
    const ended = once(child, "exit");
    // Its first bytes are looked at by themselves; then comes a part of the layer, and no more.
    const half = createWriteStream(layer);
    half.on("error", () => undefined); // nobody reads it any more
    half.write(Buffer.concat([Buffer.alloc(6), bytes.subarray(0, 32 * 1024)]));
    const isHalfDone = async () => {
      for (const name of await trees().catch(() => []))
        if (existsSync(join(layersDir, "trees", name, "first"))) return true;
      return false;
    };
    while (!(await isHalfDone())) await new Promise((resolve) => setImmediate(resolve));
    await other.sweep();
    assert.ok(await isHalfDone(), "what somebody is at stays");
    child.kill("SIGKILL");
    await ended;
    half.destroy();
    await rm(layer);
    await writeFile(layer, bytes);

    assert.equal((await trees()).filter((name) => name.startsWith(".new-")).length, 1);
    const store = await openNode("node-1");
    assert.equal(await store.find("a:1"), undefined);
    await importImage(store, folder);
    assert.equal(await fileOf(store, "a:1", "second"), text);
    await store.sweep();
    assert.deepEqual(
      (await trees()).filter((name) => name.startsWith(".")),
      [],
    );
  });

  it("are whole whatever a kill has left behind", async () => {
    const store = await openNode("node-1");
    const folder = await image("a:1", base, { a: "1" });
    const [added] = await importImage(store, folder);
    const [low = "", top = ""] = added?.layers ?? [];
    // Between a record and its tree; between a tree's old name and its end; a list that was not written.
    await rename(join(layersDir, "trees", top), join(layersDir, "trees", ".old-x"));
    await mkdir(join(layersDir, "trees", ".new-y"));
    await writeFile(join(layersDir, "parts", top), "half");
    await writeFile(join(layersDir, "records", "0000000000000000.json"), "{}");
    assert.equal(await store.find("a:1"), undefined, "an image that lacks a layer is not here");
    await importImage(store, folder);
    assert.equal(await fileOf(store, "a:1", "a"), "1");
    await store.sweep();
    assert.deepEqual(await trees(), [low, top, `${top}-whole`].sort());
    assert.deepEqual(
      (await readdir(join(layersDir, "records"))).sort(),
      [`${low}.json`, `${top}.json`].sort(),
    );
  });

  it("are the same for processes that bring them in at the same time", async function () {
    this.timeout(180_000);
    const folder = await image("a:1", base, { a: "1" });
    const exits = await Promise.all(
      ["node-1", "node-2"].map(async (node) => (await once(atWork(node, folder), "exit"))[0]),
    );
    assert.deepEqual(exits, [0, 0]);
    assert.equal((await trees()).length, 2);
    for (const node of ["node-1", "node-2"])
      assert.equal((await (await openNode(node)).find("a:1"))?.layers?.length, 2);
  });

  it("that have another's name are refused", async () => {
    const store = await openNode("node-1");
    const folder = await image("a:1", base);
    const [added] = await importImage(store, folder);
    await writeFile(
      join(layersDir, "records", `${added?.layers?.[0]}.json`),
      JSON.stringify({ chain: "sha256:other" }),
    );
    await assert.rejects(importImage(store, folder), /another layer than sha256:\w+ has its name/);
  });

  it("are whole trees where the system makes no whiteouts", async () => {
    const makeWhiteout = () => {
      throw new Error("not here");
    };
    const store = await ImageStore.open(join(dir, "node-1"), {
      layersDir,
      makeWhiteout,
      openUnpacker: unpackHere,
    });
    const [added] = await importImage(store, await image("a:1", base, { ".wh.etc": "", a: "1" }, { b: "1" }));
    const [tree = "", ...others] = await store.lowerDirs(added?.id ?? "");
    assert.deepEqual(others, []);
    assert.deepEqual((await readdir(tree)).sort(), ["a", "b"]);
    await store.sweep();
    assert.deepEqual(await trees(), added?.layers, "those that only led to it are gone");
    // A system that makes them finds no use for such a tree, and unpacks the image its own way.
    await importImage(await openNode("node-2"), join(dir, "a-1"));
    assert.deepEqual(await readdir(tree), await readdir(await store.folderOf(added?.id ?? "")));
  });
});

describe("an older node's images", () => {
  /** As they were: each unpacked into a tree of its own. */
  const oldImage = async (node: string) => {
    const id = await dockerFolder(join(dir, "archive"), "a:1", [base, { a: "new" }]);
    const tree = join(dir, node, "trees", id.replace("sha256:", ""));
    await mkdir(tree, { recursive: true });
    await writeFile(join(tree, "a"), "old");
    const listed = {
      id,
      names: ["docker.io/library/a:1"],
      digests: [],
      sizeBytes: 1,
      config: { Cmd: ["/run"] },
    };
    await writeFile(join(dir, node, "images.json"), JSON.stringify([listed]));
    return { id, tree };
  };

  it("are used as they are, kept when they come again, and removed whole", async () => {
    const { id, tree } = await oldImage("node-1");
    const store = await openNode("node-1");
    assert.deepEqual(await store.lowerDirs((await store.find("a:1"))?.id ?? ""), [tree]);
    await importImage(store, join(dir, "archive"), { name: "b:1" });
    assert.equal(await fileOf(store, "a:1", "a"), "old");
    assert.equal((await store.find("b:1"))?.id, id);
    await store.remove(id);
    assert.equal(existsSync(tree), false);
    assert.equal(await store.find("a:1"), undefined);
  });

  it("are unpacked anew where their tree is gone", async () => {
    const { tree } = await oldImage("node-1");
    await rm(tree, { recursive: true });
    const store = await openNode("node-1");
    assert.equal(await store.find("a:1"), undefined);
    await importImage(store, join(dir, "archive"));
    assert.equal(await fileOf(store, "a:1", "a"), "new");
  });

  it("and layers are found where they were last said to be, and are gone where that has changed", async () => {
    const store = await openNode("node-1");
    await importImage(store, await image("a:1", base));
    assert.ok(await (await ImageStore.open(join(dir, "node-1"))).find("a:1"));
    const elsewhere = await ImageStore.open(join(dir, "node-1"), {
      layersDir: join(dir, "elsewhere"),
      openUnpacker: unpackHere,
    });
    assert.equal(await elsewhere.find("a:1"), undefined);
    await importImage(elsewhere, join(dir, "a-1"));
    assert.equal(await fileOf(elsewhere, "a:1", "etc/base"), "base");
  });
});
