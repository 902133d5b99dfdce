import { strict as assert } from "node:assert";
import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deferred } from "../../base/deferred.ts";
import { silentLog } from "../../base/os/log.ts";
import { ManualClock } from "../../client/testing/manual-clock.ts";
import { ImageManager, ImageUnavailable, type PullRequest } from "./image-manager.ts";
import { imagesOf } from "./pull.ts";
import type { PullCredentials } from "./pull-credentials.ts";
import { ImageStore } from "./store.ts";
import { TestRegistry } from "./testing/test-registry.ts";
import { unpackHere } from "./testing/unpack-here.ts";

let dir: string;
let registry: TestRegistry;
let store: ImageStore;
let clock: ManualClock;
let manager: ImageManager;
const restart = async (more: { readonly imagePullsMost?: number } = {}) => {
  store = await ImageStore.open(join(dir, "images"), { openUnpacker: unpackHere });
  manager = new ImageManager(
    imagesOf(store),
    { clock, random: { uint32: () => 0 }, log: silentLog } as never,
    {
      allowHostImage: false,
      ...more,
    },
  );
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
    assert.deepEqual(await readdir(join(dir, "images", "layers", "parts")), [], "no packed layers");
    const trees = await readdir(join(dir, "images", "layers", "trees"));
    assert.equal(trees.length, 5, "two that they have in common, and one each");
  });
});

describe("pulls of several images", () => {
  it("are as many at a time as the node allows", async () => {
    await restart({ imagePullsMost: 1 });
    const names = await Promise.all(["x", "y"].map((name) => registry.add(name, [name])));
    const goOn = deferred<void>();
    registry.hold = (path) => (path.includes("/blobs/") ? goOn.promise : undefined);
    const asked = [ask(names[0] ?? "", { pod: "first" })];
    await registry.asked(/x\/blobs/);
    asked.push((await asking(names[1] ?? "", { pod: "second" })).answer);
    assert.ok(!registry.seen.some((line) => line.includes("/y/")));
    goOn.resolve();
    for (const { id } of await Promise.all(asked)) assert.ok(id);
    assert.ok(registry.seen.some((line) => line.includes("/y/")));
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

describe("an image on the node that was pulled with a pull secret", () => {
  const present = (image: string) =>
    `Pulled: Container image "${image}" already present on machine and can be accessed by the pod`;
  let image: string;
  beforeEach(async () => {
    image = await registry.add("private", ["secret"], ["ada:p", "bob:p"]);
    assert.equal((await ask(image, { credentials: [from("ada")] })).reason, undefined);
    registry.seen.length = 0;
  });

  it("is not given to a pod that has none, or another: the registry decides", async () => {
    const without = await ask(image, { pod: "without" });
    assert.deepEqual(
      [without.reason, without.said[0]],
      ["ErrImagePull", `Pulling: Pulling image "${image}"`],
    );
    const wrong = await ask(image, { pod: "wrong", credentials: [from("eve")] });
    assert.equal(wrong.reason, "ErrImagePull");
    const other = await ask(image, { pod: "other", credentials: [from("eve"), from("bob")] });
    assert.equal(other.reason, undefined);
    assert.match(other.said.at(-1) ?? "", /^Pulled: Successfully pulled image/);
    // From now on the node knows both.
    for (const user of ["ada", "bob"])
      assert.deepEqual((await ask(image, { credentials: [from(user)] })).said, [present(image)]);
  });

  it("is hidden from such a pod that never pulls", async () => {
    const message = `Container image "${image}" is not present with pull policy of Never`;
    assert.deepEqual(await ask(image, { policy: "Never" }), {
      said: [`ErrImageNeverPull: ${message}`, "Failed: Error: ErrImageNeverPull"],
      reason: "ErrImageNeverPull",
    });
    const { said } = await ask(image, { policy: "Never", credentials: [from("ada")] });
    assert.deepEqual(said, [present(image)]);
    assert.deepEqual(registry.seen, []);
  });

  it("is given without asking to pods with these credentials or that secret, also after a restart", async () => {
    await restart();
    const elsewhere = { namespace: "m", name: "copy", uid: "uid-copy" };
    const said = async (credentials: PullCredentials) =>
      (await ask(image, { credentials: [credentials] })).said;
    // The same credentials in another secret; then that secret with others; then these in the first.
    assert.deepEqual(await said(from("ada", { secret: elsewhere })), [present(image)]);
    await restart();
    assert.deepEqual(await said(from("new", { secret: elsewhere })), [present(image)]);
    assert.deepEqual(await said(from("new")), [present(image)]);
    assert.deepEqual(registry.seen, []);
  });

  it("is everyone's where its registry gives it to everyone", async () => {
    const open = await registry.add("public", ["secret"]);
    assert.equal((await ask(image, { pod: "a" })).reason, "ErrImagePull");
    // The same image by another name: being allowed that one does not open the first.
    assert.equal((await ask(open, { pod: "b" })).reason, undefined);
    assert.deepEqual((await ask(open, { pod: "c", credentials: [from("eve")] })).said, [present(open)]);
    assert.equal((await ask(image, { pod: "d" })).reason, "ErrImagePull");
  });
});

describe("an image that no pull brought to the node", () => {
  it("is everyone's", async () => {
    const name = await registry.add("private", ["secret"], ["ada:p"]);
    await ask(name, { credentials: [from("ada")] });
    const list = join(dir, "images", "images.json");
    const [{ access, ...image }] = JSON.parse(await readFile(list, "utf8"));
    assert.ok(access, "the node keeps who may have it");
    await writeFile(list, JSON.stringify([image]));
    assert.equal((await ask(name)).reason, undefined);
    assert.equal((await ask(name, { policy: "Never" })).reason, undefined);
  });
});
