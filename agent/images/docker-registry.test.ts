import { strict as assert } from "node:assert";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../base/os/clock.ts";
import { silentLog } from "../../base/os/log.ts";
import { systemRandom } from "../../base/os/random.ts";
import type { Secret } from "../../client/types.ts";
import { findProgram } from "../runtime/choose.ts";
import { mustRun } from "../runtime/supervised/run-command.ts";
import { ImageManager, type PullRequest } from "./image-manager.ts";
import { imagesOf } from "./pull.ts";
import { pullCredentials } from "./pull-credentials.ts";
import { ImageStore } from "./store.ts";
import { dockerFolder } from "./testing/docker-archive.ts";
import { type DockerRegistry, startDockerRegistry } from "./testing/docker-registry.ts";
import { unpackHere } from "./testing/unpack-here.ts";

const os = { clock: systemClock, random: systemRandom, log: silentLog };

describe("Debian's docker-registry", function () {
  this.timeout(180_000);
  const [program, skopeo] = [findProgram("docker-registry"), findProgram("skopeo")];
  let dir: string;
  let registry: DockerRegistry | undefined;
  let images: ImageManager;
  let store: ImageStore;
  before(function () {
    if (program === undefined || skopeo === undefined) this.skip();
  });
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), "pintle-from-registry-"));
    store = await ImageStore.open(join(dir, "images"), { openUnpacker: unpackHere });
    images = new ImageManager(imagesOf(store), os as never, { allowHostImage: false });
  });
  afterEach(async () => {
    await registry?.stop();
    registry = undefined;
    await rm(dir, { recursive: true, force: true });
  });

  /** Pushes an image with a layer for each list of files. */
  async function push(name: string, layers: readonly Record<string, string>[], ...options: string[]) {
    const folder = await mkdtemp(join(dir, "image-"));
    await dockerFolder(folder, "pushed:1", layers);
    const archive = join(folder, "image.tar");
    await mustRun([
      "tar",
      "-C",
      folder,
      "--exclude=image.tar",
      "-cf",
      archive,
      "manifest.json",
      "config.json",
      ...layers.map((_, at) => `${at}.tar`),
    ]);
    const policy = ["--insecure-policy", "--tmpdir", dir];
    await mustRun([
      skopeo ?? "",
      ...policy,
      "copy",
      "--dest-tls-verify=false",
      ...options,
      `docker-archive:${archive}`,
      `docker://${name}`,
    ]);
  }
  async function ensure(image: string, more: Partial<PullRequest> = {}) {
    const said: string[] = [];
    const { id, digests } = await images.ensure({
      image,
      podUid: "pod",
      policy: "IfNotPresent",
      credentialsFor: async () => [],
      onEvent: (_type, reason) => void said.push(reason),
      signal: new AbortController().signal,
      ...more,
    });
    const text = async (path: string) => readFile(join(await store.folderOf(id), path), "utf8");
    return { id, digests, said, text };
  }

  it("gives images with layers packed with gzip and zstd, and by digest the one that is pinned", async () => {
    registry = await startDockerRegistry(program ?? "");
    const name = `${registry.host}/some/app`;
    const layers = [{ base: "base" }, { ".wh.base": "", own: "one" }];
    await push(`${name}:1`, layers);
    await push(
      `${name}:zstd`,
      [...layers, { more: "by zstd" }],
      "--format=oci",
      "--dest-compress-format=zstd",
    );
    const one = await ensure(`${name}:1`);
    assert.deepEqual(one.said, ["Pulling", "Pulled"]);
    assert.equal(await one.text("own"), "one");
    await assert.rejects(one.text("base"), { code: "ENOENT" });
    const zstd = await ensure(`${name}:zstd`);
    assert.equal(await zstd.text("more"), "by zstd");

    const [pinned = ""] = one.digests;
    assert.match(pinned, new RegExp(`^${name}@sha256:[0-9a-f]{64}$`));
    await push(`${name}:1`, [{ own: "two" }]);
    for (const known of [pinned, `${name}:1`]) {
      const { id, said } = await ensure(known);
      assert.deepEqual([id, said], [one.id, ["Pulled"]], "it is here, and nobody asked for a newer one");
    }
    assert.equal(await (await ensure(`${name}:1`, { policy: "Always" })).text("own"), "two");
    assert.equal(await (await ensure(pinned, { policy: "Always" })).text("own"), "one");
    assert.equal(
      (await ensure(`${name}:1@${pinned.split("@")[1]}`)).id,
      one.id,
      "the digest goes before the tag",
    );
    await assert.rejects(ensure(`${name}@sha256:${"0".repeat(64)}`), /not found/);
  });

  it("gives a private image by a token to pods with the pull secret, and to no others", async () => {
    registry = await startDockerRegistry(program ?? "", ["ada:secret"]);
    const name = `${registry.host}/private/app:1`;
    await push(name, [{ text: "private" }], "--dest-creds=ada:secret");
    const withSecret = (password: string): Partial<PullRequest> => {
      const auth = Buffer.from(`ada:${password}`).toString("base64");
      const config = JSON.stringify({ auths: { [registry?.host ?? ""]: { auth } } });
      const secret: Secret = {
        apiVersion: "v1",
        kind: "Secret",
        metadata: { namespace: "d", name: "pull", uid: password },
        type: "kubernetes.io/dockerconfigjson",
        data: { ".dockerconfigjson": Buffer.from(config).toString("base64") },
      } as unknown as Secret;
      return { credentialsFor: async (reference) => pullCredentials([secret], reference) };
    };
    await assert.rejects(ensure(name, { podUid: "without" }), /pull access denied \(401\)/);
    await assert.rejects(
      ensure(name, { podUid: "wrong", ...withSecret("wrong") }),
      /pull access denied \(401\)/,
    );
    assert.equal(
      await (await ensure(name, { podUid: "right", ...withSecret("secret") })).text("text"),
      "private",
    );
    await assert.rejects(ensure(name, { podUid: "without-2" }), /pull access denied \(401\)/);
    await assert.rejects(ensure(name, { podUid: "never", policy: "Never" }), /is not present/);
  });
});
