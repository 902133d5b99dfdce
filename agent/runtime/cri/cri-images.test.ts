import { strict as assert } from "node:assert";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../../base/os/clock.ts";
import { silentLog } from "../../../base/os/log.ts";
import { systemRandom } from "../../../base/os/random.ts";
import { ImageManager, type PullRequest } from "../../images/image-manager.ts";
import type { PullCredentials } from "../../images/pull-credentials.ts";
import { TestRegistry } from "../../images/testing/test-registry.ts";
import { openImageClient } from "./cri-client.ts";
import { CriImages } from "./cri-images.ts";
import { startContainerd, type TestContainerd, testImage } from "./testing/containerd.ts";

const os = { clock: systemClock, random: systemRandom, log: silentLog };
const shown = (username: string, password: string): PullCredentials => ({
  username,
  password,
  hash: `hash of ${password}`,
  secret: { namespace: "d", name: username, uid: `uid-${username}` },
});

describe("images of containerd", function () {
  this.timeout(120_000);
  let containerd: TestContainerd | undefined;
  let registry: TestRegistry;
  let dir: string;
  before(async function () {
    containerd = await startContainerd();
    if (containerd === undefined) this.skip();
    registry = await TestRegistry.start();
    dir = await mkdtemp(join(tmpdir(), "pintle-cri-images-"));
  });
  after(async () => {
    registry?.stop();
    await containerd?.stop();
    if (dir !== undefined) await rm(dir, { recursive: true, force: true });
  });

  const withImages = async <T>(use: (images: CriImages, manager: ImageManager) => Promise<T>): Promise<T> => {
    const client = openImageClient((containerd as TestContainerd).endpoint.slice("unix://".length), os);
    try {
      const images = await CriImages.open(client, dir);
      return await use(images, new ImageManager(images, os as never, { allowHostImage: false }));
    } finally {
      client.close();
    }
  };
  const request = (image: string, credentials: readonly PullCredentials[]): PullRequest => ({
    image,
    podUid: "p",
    policy: "IfNotPresent",
    credentialsFor: async () => credentials,
    onEvent: () => undefined,
    signal: new AbortController().signal,
  });

  it("are those that somebody brought, for everyone", () =>
    withImages(async (images, manager) => {
      const found = await images.find(testImage);
      assert.match(found?.id ?? "", /^sha256:[0-9a-f]{64}$/);
      assert.deepEqual([found?.isMergedByRuntime, found?.config.User, found?.access], [true, "", undefined]);
      assert.equal((await manager.ensure(request(testImage, []))).id, found?.id);
      assert.equal((await images.find(found?.id ?? ""))?.id, found?.id);
      assert.ok((await images.list()).some(({ id }) => id === found?.id));
      const [use] = await images.fsInfo();
      assert.match(use?.mountpoint ?? "", /^\/.*overlayfs/);
    }));

  it("are pulled with a pod's credentials, and then that pod's alone, also for the next agent", async () => {
    const name = await registry.add("private/one", ["text"], ["me:secret"]);
    const mine = [shown("me", "wrong"), shown("me", "secret")];
    await withImages(async (_images, manager) => {
      await assert.rejects(manager.ensure(request(name, [])), /ErrImagePull|failed to pull image/);
    });
    await withImages(async (_images, manager) => {
      const pulled = await manager.ensure(request(name, mine));
      assert.deepEqual(pulled.names, [name]);
    });
    await withImages(async (images, manager) => {
      const repository = name.slice(0, name.lastIndexOf(":"));
      const kept = (await images.find(name))?.access?.[repository];
      assert.deepEqual(kept, [{ namespace: "d", name: "me", uid: "uid-me", hash: "hash of secret" }]);
      await assert.rejects(manager.ensure({ ...request(name, []), policy: "Never" }), /is not present/);
      await manager.ensure({ ...request(name, mine), policy: "Never" });
      const { id } = await manager.ensure(request(name, mine));
      await images.remove(id);
      assert.equal(await images.find(name), undefined);
    });
  });

  it("say why they cannot be had", () =>
    withImages(async (_images, manager) => {
      await assert.rejects(manager.ensure(request(`${registry.host}/no/such:1`, [])), /not found/);
      await assert.rejects(
        manager.ensure(request("pintle.local/host", [])),
        /only where the agent runs containers itself/,
      );
    }));
});
