import { strict as assert } from "node:assert";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { gunzipSync, gzipSync } from "node:zlib";
import { pack } from "tar-stream";
import { importImage } from "./import-image.ts";
import { pullImage } from "./pull.ts";
import type { PullProgress } from "./pull-progress.ts";
import { parseReference, referenceText } from "./reference.ts";
import { ImageStore } from "./store.ts";
import { unpackHere } from "./testing/unpack-here.ts";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "pintle-images-"));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

type Entry = {
  name: string;
  text?: string;
  type?: "directory" | "symlink" | "link";
  to?: string;
  mode?: number;
};

function tar(entries: readonly Entry[]): Promise<Buffer> {
  const archive = pack();
  for (const { name, text = "", type, to, mode } of entries)
    archive.entry(
      {
        name,
        type: type ?? "file",
        ...(to !== undefined && { linkname: to }),
        ...(mode !== undefined && { mode }),
      },
      text,
    );
  archive.finalize();
  return buffer(archive);
}

const digestOf = (bytes: Buffer) => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

/** More than what buffers between server and disk hold, so that a break leaves a part behind. */
const incompressible = Array.from({ length: 16_000 }, (_, at) => digestOf(Buffer.from(String(at)))).join("");

/** An image of two gzipped layers as a registry or layout has it. */
async function sampleImage() {
  const layers = [
    gzipSync(
      await tar([
        { name: "etc/", type: "directory" },
        { name: "etc/a", text: "one" },
        { name: "etc/b", text: "two" },
        { name: "bin/run", text: "x", mode: 0o4755 },
        { name: "big", text: incompressible },
      ]),
    ),
    gzipSync(await tar([{ name: "etc/.wh.a" }, { name: "etc/c", text: "three" }])),
  ];
  const config = Buffer.from(
    JSON.stringify({
      architecture: "amd64",
      os: "linux",
      config: { Entrypoint: ["/bin/run"], Env: ["A=1"] },
      rootfs: { type: "layers", diff_ids: layers.map((layer) => digestOf(gunzipSync(layer))) },
    }),
  );
  const describe = (bytes: Buffer, mediaType: string) => ({
    mediaType,
    digest: digestOf(bytes),
    size: bytes.length,
  });
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: "application/vnd.oci.image.manifest.v1+json",
      config: describe(config, "application/vnd.oci.image.config.v1+json"),
      layers: layers.map((one) => describe(one, "application/vnd.oci.image.layer.v1.tar+gzip")),
    }),
  );
  const blobs = new Map([config, manifest, ...layers].map((bytes) => [digestOf(bytes), bytes]));
  return { blobs, manifest, layers, config };
}

async function treeOf(store: ImageStore, name: string): Promise<string> {
  const image = await store.find(name);
  assert.ok(image, `${name} is in the store`);
  return store.folderOf(image.id);
}

const treesIn = (folder: string) => readdir(join(folder, "layers", "trees"));

describe("image names", () => {
  for (const [text, full] of [
    ["nginx", "docker.io/library/nginx:latest"],
    ["me/app:1", "docker.io/me/app:1"],
    ["localhost:5000/a/b", "localhost:5000/a/b:latest"],
    ["pintle.local/host", "pintle.local/host:latest"],
    [`r.io/a:1@sha256:${"a".repeat(64)}`, `r.io/a@sha256:${"a".repeat(64)}`],
  ] as const)
    it(`${text} is ${full}`, () => assert.equal(referenceText(parseReference(text)), full));
  for (const text of ["", "UPPER/case", "a b", "a:b:c", "a@sha256:short", "../x"])
    it(`refuses ${JSON.stringify(text)}`, () =>
      assert.throws(() => parseReference(text), /invalid reference format/));
});

describe("importImage", () => {
  it("takes an OCI layout, as a folder and as a tar", async () => {
    const { blobs, manifest } = await sampleImage();
    const index = JSON.stringify({
      manifests: [
        {
          mediaType: "m",
          digest: digestOf(manifest),
          size: manifest.length,
          annotations: { "org.opencontainers.image.ref.name": "example.org/app:1" },
        },
      ],
    });
    const layout = join(dir, "layout");
    await mkdir(join(layout, "blobs/sha256"), { recursive: true });
    await writeFile(join(layout, "index.json"), index);
    for (const [digest, bytes] of blobs)
      await writeFile(join(layout, "blobs", digest.replace(":", "/")), bytes);
    const store = await ImageStore.open(join(dir, "store"));
    const [image] = await importImage(store, layout);
    assert.deepEqual(image?.names, ["example.org/app:1"]);
    assert.deepEqual(image?.config.Entrypoint, ["/bin/run"]);
    const tree = await treeOf(store, "example.org/app:1");
    assert.deepEqual((await readdir(join(tree, "etc"))).sort(), ["b", "c"]);
    assert.equal((await stat(join(tree, "bin/run"))).mode & 0o7777, 0o4755);
    assert.deepEqual(
      await importImage(await ImageStore.open(join(dir, "store"), { openUnpacker: unpackHere }), layout),
      [image],
    );
  });

  /** The newest `hello:1`, in `image.tar`. */
  async function dockerArchive(text: string, contents?: readonly string[]): Promise<void> {
    const layer = await tar([{ name: "hello", text }]);
    const config = JSON.stringify({
      config: { Cmd: ["/hello"] },
      rootfs: { type: "layers", diff_ids: contents ?? [digestOf(layer), digestOf(layer)] },
    });
    const manifest = JSON.stringify([
      { Config: "c.json", RepoTags: ["hello:1"], Layers: ["real/layer.tar", "again/layer.tar"] },
    ]);
    const entries = pack();
    entries.entry({ name: "real/layer.tar" }, layer);
    entries.entry({ name: "again/layer.tar", type: "symlink", linkname: "../real/layer.tar" });
    entries.entry({ name: "c.json" }, config);
    entries.entry({ name: "manifest.json" }, manifest);
    entries.finalize();
    await writeFile(join(dir, "image.tar"), await buffer(entries));
  }

  it("takes a docker-archive, with the links that old ones hold", async () => {
    await dockerArchive("hi");
    const store = await ImageStore.open(join(dir, "store"), { openUnpacker: unpackHere });
    await importImage(store, join(dir, "image.tar"), { name: "other:2" });
    assert.equal(await readFile(join(await treeOf(store, "other:2"), "hello"), "utf8"), "hi");
    assert.equal(await store.find("hello:1"), undefined);
  });

  it("gives a name that was there to what came last", async () => {
    const store = await ImageStore.open(join(dir, "store"), { openUnpacker: unpackHere });
    for (const text of ["one", "two", "one"]) {
      await dockerArchive(text);
      await importImage(store, join(dir, "image.tar"));
      assert.equal(await readFile(join(await treeOf(store, "hello:1"), "hello"), "utf8"), text);
    }
  });

  it("refuses layers that the image's configuration does not know, and keeps nothing of them", async () => {
    const store = await ImageStore.open(join(dir, "store"), { openUnpacker: unpackHere });
    const other = digestOf(Buffer.from("other"));
    for (const [contents, why] of [
      [[], /configuration names 0 layers \(rootfs\.diff_ids\), its manifest 2/],
      [[other, other], /layer sha256:\w+ unpacks to sha256:\w+, the image's configuration says sha256:/],
    ] as const) {
      await dockerArchive("hi", contents);
      await assert.rejects(importImage(store, join(dir, "image.tar")), why);
      assert.equal(await store.find("hello:1"), undefined);
      assert.deepEqual(await treesIn(join(dir, "store")), []);
    }
  });

  it("says what is wrong with what is no image", async () => {
    const store = await ImageStore.open(join(dir, "store"), { openUnpacker: unpackHere });
    await symlink("/nowhere", join(dir, "dangling"));
    await assert.rejects(importImage(store, join(dir, "dangling")), /cannot read/);
    await assert.rejects(importImage(store, dir), /neither an OCI layout/);
  });
});

describe("pullImage", () => {
  let server: Server;
  let seen: string[];
  let sample: Awaited<ReturnType<typeof sampleImage>>;
  let spoil: (path: string, bytes: Buffer) => Buffer;
  let cutOnce: Set<string>;
  beforeEach(async () => {
    sample = await sampleImage();
    seen = [];
    spoil = (_path, bytes) => bytes;
    cutOnce = new Set();
    server = createServer((request, answer) => {
      const { url = "", headers } = request;
      const { port } = server.address() as { port: number };
      if (url.startsWith("/token")) {
        seen.push(`token ${headers.authorization ?? "anonymous"}`);
        answer.end(JSON.stringify({ token: "t0k" }));
        return;
      }
      if (headers.authorization !== "Bearer t0k") {
        answer.setHeader(
          "www-authenticate",
          `Bearer realm="http://127.0.0.1:${port}/token",service="s",scope="repository:app:pull"`,
        );
        answer.writeHead(401).end();
        return;
      }
      seen.push(
        `${url.split("/").slice(-2).join("/").slice(0, 24)}${headers.range ? ` ${headers.range}` : ""}`,
      );
      const digest = url.split("/").at(-1) ?? "";
      const bytes = spoil(
        url,
        digest === "1" ? sample.manifest : (sample.blobs.get(digest) ?? Buffer.alloc(0)),
      );
      const from = Number(/bytes=(\d+)-/.exec(headers.range ?? "")?.[1] ?? 0);
      answer.writeHead(from > 0 ? 206 : 200, { "content-length": bytes.length - from });
      if (cutOnce.delete(digest)) answer.write(bytes.subarray(0, 300_000), () => request.socket.end());
      else answer.end(bytes.subarray(from));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });
  const name = () => `127.0.0.1:${(server.address() as { port: number }).port}/app:1`;
  const pull = async (store: ImageStore, onProgress?: (progress: PullProgress) => void) =>
    pullImage(store, parseReference(name()), {
      onProgress,
      credentials: {
        username: "u",
        password: "p",
        hash: "h",
        secret: { namespace: "n", name: "s", uid: "1" },
      },
      signal: new AbortController().signal,
    });

  it("gets a token, manifest and blobs, and unpacks them", async () => {
    const store = await ImageStore.open(join(dir, "store"), { openUnpacker: unpackHere });
    const told: PullProgress[] = [];
    const image = await pull(store, (progress) => told.push(progress));
    const bytesAll = sample.layers.reduce((sum, { length }) => sum + length, 0);
    const layersAll = sample.layers.length;
    assert.deepEqual(told.at(-1), { layers: layersAll, layersAll, bytes: bytesAll, bytesAll });
    assert.equal(told[0]?.layers, 0);
    assert.equal(seen[0], `token Basic ${Buffer.from("u:p").toString("base64")}`);
    assert.equal(image.id, digestOf(sample.config));
    assert.match(image.digests[0] ?? "", new RegExp(`/app@${digestOf(sample.manifest)}$`));
    assert.equal(await readFile(join(await treeOf(store, name()), "etc/c"), "utf8"), "three");
  });

  it("goes on where a connection broke", async () => {
    const [layer = Buffer.alloc(0)] = sample.layers;
    cutOnce.add(digestOf(layer));
    const store = await ImageStore.open(join(dir, "store"), { openUnpacker: unpackHere });
    await pull(store);
    assert.ok(
      seen.some((line) => / bytes=[1-9]\d*-$/.test(line)),
      seen.join("\n"),
    );
    assert.ok(existsSync(join(await treeOf(store, name()), "bin/run")));
  });

  it("refuses bytes that do not match their digest, and keeps nothing", async () => {
    spoil = (path, bytes) =>
      path.endsWith(digestOf(sample.layers[1] ?? Buffer.alloc(0)))
        ? Buffer.from(bytes.map((byte, at) => (at === 30 ? byte ^ 1 : byte)))
        : bytes;
    const store = await ImageStore.open(join(dir, "store"), { openUnpacker: unpackHere });
    await assert.rejects(pull(store), /came as sha256:/);
    assert.equal(await store.find(name()), undefined);
    assert.deepEqual(await readdir(join(dir, "store", "layers", "parts")), []);
    await store.sweep();
    assert.deepEqual(await treesIn(join(dir, "store")), []);
  });
});
