import { strict as assert } from "node:assert";
import { createLog } from "../../base/os/log.ts";
import { TaskScope } from "../../base/os/task-scope.ts";
import { resources } from "../../client/resources.ts";
import { FakeApi } from "../../client/testing/fake-api.ts";
import { ManualClock, settle } from "../../client/testing/manual-clock.ts";
import type { Pod } from "../../client/types.ts";
import { followLimits } from "./first-read.ts";
import { FollowedObjects } from "./followed-objects.ts";

const podWith = (uid: string, configMap: string, secret?: string): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: {
    name: uid,
    namespace: "ns",
    uid,
    resourceVersion: "1",
    creationTimestamp: "2026-01-01T00:00:00Z",
  },
  spec: {
    volumes: [
      { name: "a", configMap: { name: configMap } },
      ...(secret === undefined
        ? []
        : [{ name: "b", projected: { sources: [{ secret: { name: secret } }] } }]),
    ],
    containers: [{ name: "c", image: "i" }],
  },
});

describe("followed config maps and secrets", () => {
  const log = createLog({ level: "error", format: "text" });
  let api: FakeApi;
  let clock: ManualClock;
  let tasks: TaskScope;
  let changed: string[];
  let followed: FollowedObjects;
  const ref = { namespace: "ns", name: "m" };
  const create = (value: string, immutable = false) =>
    api.create(resources.configmaps, {
      metadata: ref,
      data: { key: value },
      ...(immutable && { immutable }),
    });
  const patch = (value: string) =>
    api.patch(resources.configmaps, ref, { data: { key: value } }, { type: "merge" });
  const watches = () => opened.filter((one) => one === "configmaps").length;
  let opened: string[];

  beforeEach(() => {
    api = new FakeApi();
    opened = [];
    api.intercept = async ({ verb, resource }) => {
      if (verb === "watch") opened.push(resource);
      return undefined;
    };
    clock = new ManualClock();
    tasks = new TaskScope(log);
    changed = [];
    const deps = { client: api, clock, random: { uint32: () => 0 }, log };
    followed = new FollowedObjects(deps, tasks, (uid) => changed.push(uid));
  });
  afterEach(() => tasks.stop());

  it("answers from one watch, however many pods and reads there are", async () => {
    await create("one");
    followed.follow(podWith("p1", "m"));
    followed.follow(podWith("p2", "m"));
    for (let reads = 0; reads < 3; reads++)
      assert.equal((await followed.configMap("ns", "m"))?.data?.key, "one");
    assert.equal(watches(), 1);
    assert.deepEqual(changed, [], "the first state is no change");
    await patch("two");
    await settle();
    assert.equal((await followed.configMap("ns", "m"))?.data?.key, "two");
    assert.deepEqual(changed, ["p1", "p2"]);
  });

  it("sees an object that appears later, and one that goes", async () => {
    followed.follow(podWith("p1", "m"));
    assert.equal(await followed.configMap("ns", "m"), undefined);
    await create("one");
    await settle();
    assert.equal((await followed.configMap("ns", "m"))?.data?.key, "one");
    await api.delete(resources.configmaps, ref);
    await settle();
    assert.equal(await followed.configMap("ns", "m"), undefined);
    assert.deepEqual(changed, ["p1", "p1"]);
  });

  it("stops watching when the last pod goes", async () => {
    await create("one");
    followed.follow(podWith("p1", "m", "s"));
    followed.follow(podWith("p2", "m"));
    await followed.configMap("ns", "m");
    followed.forget("p1");
    assert.equal(followed.watching, 1, "the secret's watch ended");
    followed.forget("p2");
    await settle();
    assert.equal(followed.watching, 0);
    await patch("two");
    await settle();
    assert.deepEqual(changed, []);
    assert.equal((await followed.configMap("ns", "m"))?.data?.key, "two", "read plainly");
    assert.equal(watches(), 1);
  });

  it("does not watch what is immutable", async () => {
    await create("one", true);
    followed.follow(podWith("p1", "m"));
    assert.equal((await followed.configMap("ns", "m"))?.data?.key, "one");
    await settle();
    assert.equal(followed.watching, 0);
    assert.equal((await followed.configMap("ns", "m"))?.data?.key, "one");
  });

  it("gives up a first read that takes too long, and follows on", async () => {
    await create("one");
    let refuse = true;
    api.intercept = async () => {
      if (refuse) await new Promise<void>((resolve) => clock.after(followLimits.firstReadMs * 2, resolve));
      return undefined;
    };
    followed.follow(podWith("p1", "m"));
    const read = followed.configMap("ns", "m");
    read.catch(() => undefined);
    await clock.advance(followLimits.firstReadMs);
    await assert.rejects(read, /timed out/);
    refuse = false;
    await clock.advance(followLimits.firstReadMs);
    assert.equal((await followed.configMap("ns", "m"))?.data?.key, "one");
  });
});
