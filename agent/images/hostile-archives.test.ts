import { strict as assert } from "node:assert";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import { type Header, pack } from "tar-stream";
import { describeError } from "../../base/os/log.ts";
import { mustRun } from "../runtime/supervised/run-command.ts";
import { ImageError } from "./image.ts";
import { importImage, type SpreadLimits } from "./import-image.ts";
import { pullImage } from "./pull.ts";
import { parseReference } from "./reference.ts";
import { ImageStore } from "./store.ts";
import { TestRegistry } from "./testing/test-registry.ts";
import { unpackHere } from "./testing/unpack-here.ts";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "pintle-hostile-archive-"));
});
afterEach(() => rm(dir, { recursive: true, force: true }));
const isImageError = (why: RegExp) => (error: unknown) =>
  error instanceof ImageError && why.test(describeError(error));

describe("a hostile archive", () => {
  type Entry = Partial<Header> & { readonly name: string; readonly text?: string };
  const tar = (entries: readonly Entry[]): Promise<Buffer> => {
    const archive = pack();
    for (const { text = "", ...header } of entries) archive.entry(header, text);
    archive.finalize();
    return buffer(archive);
  };
  const plenty: SpreadLimits = { bytesMost: 1e9, entriesMost: 1000, freeBytesLeast: 0 };
  /** Is refused, and leaves nothing. */
  const refused = async (
    archive: readonly Entry[] | Buffer,
    why: RegExp,
    limits: Partial<SpreadLimits> = {},
  ) => {
    const file = join(dir, "image.tar");
    await writeFile(file, Buffer.isBuffer(archive) ? archive : await tar(archive as readonly Entry[]));
    const store = await ImageStore.open(join(dir, "store"), { openUnpacker: unpackHere });
    const spreadIn = join(dir, "tmp");
    await mkdir(spreadIn, { recursive: true });
    const usual = process.env.TMPDIR;
    process.env.TMPDIR = spreadIn;
    try {
      await assert.rejects(importImage(store, file, { limits: { ...plenty, ...limits } }), isImageError(why));
    } finally {
      if (usual === undefined) delete process.env.TMPDIR;
      else process.env.TMPDIR = usual;
    }
    assert.deepEqual(await readdir(spreadIn), []);
    assert.equal((await store.list()).length, 1, "the host's own");
  };

  it("writes nothing outside its folder, by names or by links", async () => {
    const victim = join(dir, "victim");
    await writeFile(victim, "safe");
    await refused([{ name: "../../victim", text: "overwritten" }], /outside of it/);
    await refused([{ name: victim, text: "overwritten" }], /outside of it/);
    await refused(
      [
        { name: "up", type: "symlink", linkname: "../.." },
        { name: "up/victim", text: "x" },
      ],
      /outside of it/,
    );
    await refused(
      [
        { name: "to", type: "symlink", linkname: dir },
        { name: "to/victim", text: "x" },
      ],
      /cannot be read/,
    );
    assert.equal(readFileSync(victim, "utf8"), "safe");
  });

  it("finds no file of the host's", async () => {
    const manifest = (config: string) => JSON.stringify([{ Config: config, RepoTags: [], Layers: [] }]);
    await refused([{ name: "manifest.json", text: manifest("../../../../etc/passwd") }], /outside of it/);
    await refused([{ name: "manifest.json", text: manifest("/etc/passwd") }], /outside of it/);
    for (const type of ["symlink", "link"] as const)
      await refused(
        [
          { name: "c", type, linkname: "/etc/passwd" },
          { name: "manifest.json", text: manifest("c") },
        ],
        /cannot be read/,
      );
    const index = (digest: string) => JSON.stringify({ manifests: [{ digest, size: 1 }] });
    await refused([{ name: "index.json", text: index("../..:../etc/passwd") }], /is no part of a digest/);
  });

  it("is refused where a list names a list, or something is not what it is called", async () => {
    const named = (document: unknown) => {
      const text = JSON.stringify(document);
      const hex = createHash("sha256").update(text).digest("hex");
      return { name: `blobs/sha256/${hex}`, text, digest: `sha256:${hex}`, size: text.length };
    };
    const listing = ({ digest, size }: ReturnType<typeof named>) => ({ manifests: [{ digest, size }] });
    const layout = (...blobs: ReturnType<typeof named>[]) => [
      ...blobs,
      { name: "index.json", text: JSON.stringify(listing(blobs[0] as ReturnType<typeof named>)) },
    ];
    const innermost = named({ manifests: [] });
    const inner = named(listing(innermost));
    await refused(layout(named(listing(inner)), inner, innermost), /the manifest is not an image's/);
    const manifest = named({ config: { digest: inner.digest, size: 1 }, layers: [] });
    await refused(layout({ ...manifest, text: `${manifest.text} ` }), /is here as sha256:/);
    await refused(layout(manifest, { ...inner, text: "{}" }), /is here as sha256:/);
  });

  it("is refused as a bomb: of bytes, of files, on a disk that is full, of documents", async () => {
    const zeros = [{ name: "zeros", text: "\0".repeat(1_000_000) }];
    await refused(gzipSync(await tar(zeros)), /holds more than 100000 bytes/, { bytesMost: 100_000 });
    const many = Array.from({ length: 50 }, (_, at) => ({ name: `f${at}` }));
    await refused(many, /holds more than 20 files/, { entriesMost: 20 });
    await refused(zeros, /no space left/, { freeBytesLeast: Number.MAX_SAFE_INTEGER });
    await refused([{ name: "index.json", text: " ".repeat(5_000_000) }], /too large for a manifest/);
    const Layers = Array.from({ length: 201 }, (_, at) => `${at}`);
    const manifest = JSON.stringify([{ Config: "c", RepoTags: [], Layers }]);
    await refused(
      [
        { name: "c", text: "{}" },
        { name: "manifest.json", text: manifest },
      ],
      /201 layers; 200 are the most/,
    );
  });
});

describe("a hostile registry", () => {
  let registry: TestRegistry;
  let server: Server | undefined;
  beforeEach(async () => {
    registry = await TestRegistry.start();
  });
  afterEach(() => {
    registry.stop();
    server?.closeAllConnections();
    server?.close();
    server = undefined;
  });
  const pull = async (name: string, layersDir = join(dir, "layers")) =>
    pullImage(
      await ImageStore.open(join(dir, "images"), { layersDir, openUnpacker: unpackHere }),
      parseReference(name),
      { signal: new AbortController().signal },
    );
  const serve = async (answer: Parameters<typeof createServer>[1]) => {
    server = createServer(answer as never);
    await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
    return `127.0.0.1:${(server.address() as { port: number }).port}/app:1`;
  };

  it("fills no disk, and what came goes where there is no room", async function () {
    if (process.getuid?.() !== 0) return this.skip();
    const layersDir = join(dir, "layers");
    await mkdir(layersDir);
    await mustRun(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", layersDir]);
    try {
      await assert.rejects(pull(await registry.add("app", ["a"]), layersDir), isImageError(/no space left/));
      assert.deepEqual(await readdir(join(layersDir, "parts")), []);
    } finally {
      await mustRun(["umount", "-l", layersDir]);
    }
  });

  it("cannot announce a layer larger than any may be, nor send more than it announced", async () => {
    const content = `sha256:${"1".repeat(64)}`;
    const config = Buffer.from(JSON.stringify({ rootfs: { type: "layers", diff_ids: [content] } }));
    const digest = `sha256:${createHash("sha256").update(config).digest("hex")}`;
    for (const [size, why] of [
      [2 ** 50, /is larger than \d+ bytes/],
      [1000, /is longer than the 1000 bytes announced/],
    ] as const) {
      const name = await serve(({ url = "" }, answer) => {
        const layers = [{ digest: content, size }];
        if (url.includes("/manifests/"))
          answer.end(JSON.stringify({ config: { digest, size: config.length }, layers }));
        else answer.end(url.endsWith(digest) ? config : Buffer.alloc(100_000));
      });
      await assert.rejects(pull(name), isImageError(why));
      server?.close();
    }
    assert.deepEqual(await readdir(join(dir, "layers", "parts")), []);
  });

  it("is refused where an index names an index", async () => {
    const manifests = (digest: string) => Buffer.from(JSON.stringify({ manifests: [{ digest, size: 1 }] }));
    const digestOf = (bytes: Buffer) => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
    const inner = manifests(`sha256:${"1".repeat(64)}`);
    const asked: string[] = [];
    const name = await serve(({ url = "" }, answer) => {
      asked.push(url);
      answer.end(url.endsWith("/1") ? manifests(digestOf(inner)) : inner);
    });
    await assert.rejects(pull(name), isImageError(/the manifest is not an image's/));
    assert.equal(asked.length, 2, asked.join());
  });

  it("gives no token that is none, and no endless document", async () => {
    const challenging = (token: string | Buffer) =>
      serve(({ url = "", headers }, answer) => {
        const realm = `http://${headers.host}/token`;
        if (url.startsWith("/token")) answer.end(token);
        else answer.writeHead(401, { "www-authenticate": `Bearer realm="${realm}"` }).end();
      });
    for (const token of ["no JSON", "[]", '{"token":7}', '{"token":"a\\r\\nx: y"}']) {
      await assert.rejects(pull(await challenging(token)), isImageError(/answered no token/));
      server?.close();
    }
    await assert.rejects(pull(await challenging(Buffer.alloc(5_000_000))), isImageError(/too long/));
    server?.close();
    await assert.rejects(
      pull(await serve((_, answer) => void answer.end(Buffer.alloc(5_000_000)))),
      isImageError(/too long/),
    );
    assert.ok(!existsSync(join(dir, "images", "images.json")));
  });
});
