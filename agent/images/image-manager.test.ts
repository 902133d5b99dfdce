import { strict as assert } from "node:assert";
import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deferred } from "../../base/deferred.ts";
import { silentLog } from "../../base/os/log.ts";
import { ManualClock } from "../../client/testing/manual-clock.ts";
import { ImageManager, ImageUnavailable, type PullRequest } from "./image-manager.ts";
import type { PullCredentials } from "./pull-credentials.ts";
import { ImageStore } from "./store.ts";
import { TestRegistry } from "./testing/test-registry.ts";

let dir: string;
let registry: TestRegistry;
let store: ImageStore;
let clock: ManualClock;
let manager: ImageManager;
const restart = async () => {
  store = await ImageStore.open(join(dir, "images"));
  manager = new ImageManager(store, { clock, random: { uint32: () => 0 }, log: silentLog } as never, {
    allowHostImage: false,
  });
};
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "pintle-manager-"));
  registry = await TestRegistry.start();
  clock = new ManualClock();
  await restart();
});
afterEach(async () => {
  registry.stop();
  await rm(dir, { recursive: true, force: true });
});

const from = (user: string, more: Partial<PullCredentials> = {}): PullCredentials => ({
  username: user,
  password: "p",
  hash: createHash("sha256").update(user).digest("hex"),
  secret: { namespace: "n", name: `of-${user}`, uid: `uid-${user}` },
  ...more,
});

interface Asked {
  readonly credentials?: readonly PullCredentials[];
  readonly policy?: string;
  readonly pod?: string;
  /** Just before it joins a pull. */
  readonly onCredentials?: () => void;
  readonly signal?: AbortSignal;
}
/** What a pod is told when it asks for an image: its id, or why it has none. */
async function ask(
  image: string,
  asked: Asked = {},
): Promise<{ said: string[]; id?: string; reason?: string }> {
  const said: string[] = [];
  const request: PullRequest = {
    image,
    podUid: asked.pod ?? "pod",
    policy: asked.policy ?? "IfNotPresent",
    credentialsFor: async () => {
      asked.onCredentials?.();
      return asked.credentials ?? [];
    },
    onEvent: (_type, reason, message) => void said.push(`${reason}: ${message}`),
    signal: asked.signal ?? new AbortController().signal,
  };
  try {
    return { said, id: (await manager.ensure(request)).id };
  } catch (error) {
    if (!(error instanceof ImageUnavailable)) throw error;
    return { said, reason: error.reason };
  }
}
/** Asks, and resolves when the pod waits for the pull. */
async function asking(image: string, asked: Asked) {
  const joins = deferred<void>();
  const answer = ask(image, { ...asked, onCredentials: joins.resolve });
  await joins.promise;
  await new Promise((resolve) => setImmediate(resolve));
  return { answer };
}
const textOf = async (id = "") => {
  const [tree = ""] = await store.lowerDirs(id);
  return readFile(join(tree, "text"), "utf8");
};

describe("pods that want the same image at the same time", () => {
  it("have it although the one that asked first is deleted while it is pulled", async () => {
    const image = await registry.add("app", ["a"]);
    const goOn = deferred<void>();
    registry.hold = (path) => (path.includes("/blobs/") ? goOn.promise : undefined);
    const first = new AbortController();
    const deleted = ask(image, { pod: "deleted", signal: first.signal });
    await registry.asked(/blobs/);
    const others = [await asking(image, { pod: "b" }), await asking(image, { pod: "c" })];
    first.abort(new Error("the pod is gone"));
    await assert.rejects(deleted, /the pod is gone/);
    goOn.resolve();
    for (const { answer } of others) assert.equal(await textOf((await answer).id), "a");
    assert.equal(registry.seen.filter((line) => line.includes("manifests")).length, 1, "one pull for all");
  });

  it("end the pull when the last of them leaves, and leave nothing for the next but what was fetched", async () => {
    const image = await registry.add("app", ["a"]);
    const never = deferred<void>();
    registry.hold = (path) => (path.includes("/blobs/") ? never.promise : undefined);
    const stops = [new AbortController(), new AbortController()];
    const asked = await Promise.all(
      stops.map(({ signal }, at) => asking(image, { pod: String(at), signal })),
    );
    await registry.asked(/blobs/);
    for (const [at, stop] of stops.entries()) {
      stop.abort(new Error(`left ${at}`));
      await assert.rejects(asked[at]?.answer ?? Promise.resolve(), new RegExp(`left ${at}`));
    }
    registry.hold = () => undefined;
    assert.equal(await textOf((await ask(image)).id), "a");
  });

  it("never have it by another's credentials", async () => {
    const image = await registry.add("private", ["secret"], ["ada:p"]);
    const goOn = deferred<void>();
    registry.hold = (path) => (path.includes("/blobs/") ? goOn.promise : undefined);
    const allowed = ask(image, { credentials: [from("ada")], pod: "allowed" });
    await registry.asked(/ada .*blobs/);
    const without = await ask(image, { pod: "without" });
    const wrong = await ask(image, { credentials: [from("eve")], pod: "wrong" });
    goOn.resolve();
    assert.deepEqual([without.reason, wrong.reason], ["ErrImagePull", "ErrImagePull"]);
    assert.equal(await textOf((await allowed).id), "secret");
  });

  it("take nothing from each other where their images share layers", async () => {
    const names = await Promise.all(
      ["x", "y", "z"].map((name) => registry.add(name, ["base", "middle", `of ${name}`])),
    );
    const goOn = deferred<void>();
    registry.hold = (path) => (path.includes("/blobs/") ? goOn.promise : undefined);
    const asked = [...names, ...names].map((name, at) =>
      ask(name, { pod: String(at), credentials: at < 3 ? [] : [from("bob")] }),
    );
    await registry.asked(/x\/blobs/);
    await registry.asked(/bob .*z\/manifests|- .*z\/manifests/);
    goOn.resolve();
    for (const [at, { id }] of (await Promise.all(asked)).entries())
      assert.equal(await textOf(id), `of ${"xyzxyz"[at]}`);
    assert.equal((await store.list()).length, 4, "three, and the host's own");
    const kept = (await readdir(join(dir, "images", "blobs", "sha256"))).length;
    assert.equal(kept, 3, "their configurations; no layers");
  });
});

describe("the back-off after a failed pull", () => {
  it("is each pod's own", async () => {
    const image = await registry.add("private", ["secret"], ["ada:p"]);
    assert.equal((await ask(image, { pod: "without" })).reason, "ErrImagePull");
    const again = await ask(image, { pod: "without" });
    assert.equal(again.reason, "ImagePullBackOff");
    assert.deepEqual(again.said, [`BackOff: Back-off pulling image "${image}"`]);
    await clock.advance(10_001);
    assert.equal((await ask(image, { pod: "without" })).reason, "ErrImagePull");
    assert.equal((await ask(image, { pod: "allowed", credentials: [from("ada")] })).reason, undefined);
  });
});
