import assert from "node:assert/strict";
import { systemClock } from "../../base/os/clock.ts";
import { freshnessTimeoutMs } from "./cache/cache-hub.ts";
import { Lagging } from "./lagging-storage.ts";
import { MemoryStorage } from "./registry/memory-storage.ts";
import { startTestApiserver, type TestApiserver, type WatchLine } from "./testing.ts";
import { configMap, configMaps } from "./testing-objects.ts";

describe("a server that is behind another", () => {
  let ahead: TestApiserver;
  let behind: TestApiserver;
  let lag: Lagging;
  before(async () => {
    const storage = new MemoryStorage(systemClock);
    lag = new Lagging(storage);
    ahead = await startTestApiserver({ storage });
    behind = await startTestApiserver({ storage: lag, authority: ahead.authority });
  });
  after(async () => {
    lag.letThrough();
    await behind.stop();
    await ahead.stop();
  });
  afterEach(() => lag.letThrough());
  /** Its revision. */
  const write = async (name: string): Promise<number> => {
    const { body } = await ahead.admin.call("POST", configMaps, { body: configMap(name) });
    return Number(body.metadata.resourceVersion);
  };
  const caughtUp = () => behind.admin.call("GET", configMaps);
  const all = async (lines: AsyncGenerator<WatchLine>) => {
    const seen: WatchLine[] = [];
    for await (const line of lines) seen.push(line);
    return seen;
  };

  it("tells a watch from a revision ahead of it only what is newer", async () => {
    await caughtUp();
    lag.hold();
    await write("seen-1");
    const revision = await write("seen-2");
    const path = `${configMaps}?watch=true&resourceVersion=${revision}&timeoutSeconds=30`;
    const watch = await behind.admin.openWatch(path);
    lag.letThrough();
    await write("new");
    const { value } = await watch.next();
    assert.deepEqual([value?.type, value?.object.metadata.name], ["ADDED", "new"]);
    await watch.return();
  });

  it("never marks less than the client has seen", async () => {
    await caughtUp();
    lag.hold();
    const revision = await write("marked");
    const query = `watch=true&resourceVersion=${revision}&allowWatchBookmarks=true&timeoutSeconds=1`;
    assert.deepEqual(await all(behind.admin.watch(`${configMaps}?${query}`)), []);
    lag.letThrough();
    await caughtUp();
    const [mark] = await all(behind.admin.watch(`${configMaps}?${query}`));
    assert.equal(mark?.type, "BOOKMARK");
    assert.ok(Number(mark?.object.metadata.resourceVersion) >= revision);
  });

  it("answers what must not be older with 504 when it does not get there, and waits when it does", async () => {
    await caughtUp();
    lag.hold();
    const revision = await write("waited-for");
    const tooLarge = (wanted: bigint | number, body: { message: string }) => {
      assert.match(
        body.message,
        new RegExp(`^Timeout: Too large resource version: ${wanted}, current: \\d+$`),
      );
      const { message: _, ...rest } = body;
      assert.deepEqual(rest, {
        kind: "Status",
        apiVersion: "v1",
        metadata: {},
        status: "Failure",
        reason: "Timeout",
        details: {
          causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }],
          retryAfterSeconds: 1,
        },
        code: 504,
      });
    };
    const beganMs = performance.now();
    const [get, list, watched] = await Promise.all([
      behind.admin.call("GET", `${configMaps}/waited-for?resourceVersion=${revision}`),
      behind.admin.call("GET", `${configMaps}?resourceVersion=${revision}`),
      all(
        behind.admin.watch(
          `${configMaps}?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&resourceVersion=${revision}`,
        ),
      ),
    ]);
    assert.ok(performance.now() - beganMs >= freshnessTimeoutMs, "it waited first");
    tooLarge(revision, get.body);
    tooLarge(revision, list.body);
    assert.deepEqual(
      watched.map(({ type }) => type),
      ["ERROR"],
    );
    tooLarge(revision, watched[0]?.object);
    const waiting = behind.admin.call("GET", `${configMaps}/waited-for?resourceVersion=${revision}`);
    lag.letThrough();
    assert.equal((await waiting).code, 200);
  });

  it("reads the store where a list must be the newest and its cache does not keep up", async () => {
    await caughtUp();
    lag.hold();
    await write("newest");
    const { body } = await behind.admin.call("GET", configMaps);
    assert.ok(body.items.some((one: { metadata: { name: string } }) => one.metadata.name === "newest"));
  });

  it("answers an exact list at a revision of the future with 504, at once, however large", async () => {
    for (const revision of ["1000000", "9007199254740993", "18446744073709551615"]) {
      for (const query of ["resourceVersionMatch=Exact", "limit=10"]) {
        const answer = await ahead.admin.call("GET", `${configMaps}?${query}&resourceVersion=${revision}`);
        assert.equal(answer.code, 504);
        assert.match(
          answer.body.message,
          new RegExp(`^Timeout: Too large resource version: ${revision}, current: `),
        );
        assert.equal(answer.body.details.retryAfterSeconds, undefined);
      }
    }
    const beyond = await ahead.admin.call("GET", `${configMaps}?resourceVersion=18446744073709551616`);
    assert.deepEqual([beyond.code, /value out of range/.test(beyond.body.message)], [400, true]);
  });

  it("refuses revisions that say two things", async () => {
    const message = async (query: string) =>
      (await ahead.admin.call("GET", `${configMaps}?${query}`)).body.message;
    const { body } = await ahead.admin.call("GET", `${configMaps}?limit=1`);
    const token = body.metadata.continue;
    assert.equal(
      await message(`limit=1&continue=${token}&resourceVersion=5`),
      "specifying resource version is not allowed when using continue",
    );
    assert.equal(
      await message("watch=true&sendInitialEvents=true&resourceVersionMatch=Exact&resourceVersion=5"),
      'ListOptions.meta.k8s.io "" is invalid: [resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan, resourceVersionMatch: Unsupported value: "Exact": supported values: "NotOlderThan"]',
    );
  });
});
