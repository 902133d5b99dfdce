import assert from "node:assert/strict";
import fc from "fast-check";
import { systemClock } from "../../base/os/clock.ts";
import { silentLog } from "../../base/os/log.ts";
import { Prng } from "../../base/os/random.ts";
import { TimeoutError, withinBy } from "../../base/os/within.ts";
import { ApiError, isForbidden } from "../api-error.ts";
import { keyOf } from "../object-cache.ts";
import { resources } from "../resources.ts";
import { FakeApi } from "../testing/fake-api.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import type { ConfigMap } from "../types.ts";
import { untilObject } from "./until.ts";
import { type ObjectEvent, watchObjects } from "./watch-objects.ts";

const { configmaps } = resources;
const at = (name: string) => ({ name, namespace: "default" });

interface Step {
  readonly do: "put" | "delete" | "cut" | "compact" | "bookmark" | "read";
  readonly name: string;
}
const names = fc.constantFrom("a", "b", "c");

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ do: fc.constantFrom("put", "delete"), name: names }) },
    {
      weight: 4,
      arbitrary: fc.record({ do: fc.constantFrom("cut", "compact", "bookmark", "read"), name: names }),
    },
  ),
  { maxLength: 40 },
);

/** What somebody has who applies every event to what he had. Throws where an event does not fit. */
function apply(known: Map<string, ConfigMap>, event: ObjectEvent<ConfigMap>): void {
  const key = keyOf(event.object);
  const before = known.get(key);
  if (event.type === "ADDED") assert.equal(before, undefined, `${key} is added twice`);
  else assert.ok(before, `${key} was never added`);
  if (event.type === "MODIFIED") {
    assert.equal(event.previous, before);
    assert.equal(event.object.metadata.uid, before?.metadata.uid);
  }
  if (event.type === "DELETED") {
    assert.equal(event.object.metadata.uid, before?.metadata.uid);
    known.delete(key);
  } else known.set(key, event.object);
}

const stateOf = (objects: Iterable<ConfigMap>) =>
  [...objects].map(({ metadata }) => `${metadata.uid} ${metadata.resourceVersion}`).sort();

describe("client/kube/watch-objects", () => {
  it("whoever applies its events has the server's state, whatever is cut or forgotten", async () => {
    await fc.assert(
      fc.asyncProperty(steps, fc.boolean(), async (all, refusesStreams) => {
        const api = new FakeApi();
        api.refuseInitialEvents = refusesStreams;
        const clock = new ManualClock();
        const end = new AbortController();
        const deps = { client: api, clock, random: new Prng(1), log: silentLog };
        const events = watchObjects(configmaps, { signal: end.signal }, deps);
        const known = new Map<string, ConfigMap>();
        let next = events.next();
        next.catch(() => undefined);
        // Takes what has come, and leaves the rest where it is.
        const drain = async () => {
          for (;;) {
            let taken: ObjectEvent<ConfigMap> | undefined;
            next.then(
              ({ value }) => {
                taken = value ?? undefined;
              },
              () => undefined,
            );
            await clock.advance(10_000);
            if (taken === undefined) return;
            apply(known, taken);
            next = events.next();
            next.catch(() => undefined);
          }
        };
        for (const step of all) {
          if (step.do === "cut") api.cutWatches();
          else if (step.do === "compact") api.compact();
          else if (step.do === "bookmark") api.bookmark();
          else if (step.do === "read") await drain();
          else {
            const found = api.all(configmaps).find(({ metadata }) => metadata.name === step.name);
            if (step.do === "delete") {
              if (found !== undefined) await api.delete(configmaps, at(step.name));
            } else if (found === undefined) await api.create(configmaps, { metadata: at(step.name) });
            else await api.update(configmaps, { ...found, data: { n: String(api.revision) } });
          }
        }
        await drain();
        assert.deepEqual(stateOf(known.values()), stateOf(api.all(configmaps)));
        end.abort(new Error("enough"));
        await assert.rejects(next, /enough/);
      }),
      { numRuns: 150 },
    );
  });

  it("goes by lists where a server cannot stream them, however it says so", async () => {
    const api = new FakeApi();
    await api.create(configmaps, { metadata: at("a") });
    for (const code of [422, 500]) {
      const client: Pick<FakeApi, "list" | "watch"> = {
        list: api.list.bind(api),
        watch(resource, options, signal) {
          if (options.sendInitialEvents) throw new ApiError(code, { code, message: "no streams" });
          return api.watch(resource, options, signal);
        },
      };
      const clock = new ManualClock();
      const deps = { client, clock, random: new Prng(1), log: silentLog };
      const events = watchObjects(configmaps, {}, deps);
      const first = events.next();
      await clock.advance(5_000);
      const { value } = await first;
      assert.equal(value?.type, "ADDED", `after ${code}`);
      await events.return();
    }
  });

  it("does not tell what was there, where that is not wanted", async () => {
    const api = new FakeApi();
    await api.create(configmaps, { metadata: at("old") });
    const deps = { client: api, clock: systemClock, random: new Prng(1), log: silentLog };
    const onSynced = () => void api.create(configmaps, { metadata: at("new") });
    for await (const event of watchObjects(configmaps, { initial: false, onSynced }, deps)) {
      assert.deepEqual([event.type, event.object.metadata.name], ["ADDED", "new"]);
      break;
    }
  });

  it("reads no further than one event ahead of a slow reader", async () => {
    const api = new FakeApi();
    let handedOut = 0;
    const client = {
      list: api.list.bind(api),
      async *watch(...args: Parameters<FakeApi["watch"]>) {
        for await (const event of api.watch(...args)) {
          handedOut++;
          yield event;
        }
      },
    } as Pick<FakeApi, "list" | "watch">;
    const clock = new ManualClock();
    const deps = { client, clock, random: new Prng(1), log: silentLog };
    const events = watchObjects(configmaps, {}, deps);
    const first = events.next();
    await clock.advance(0);
    for (let n = 0; n < 20; n++) await api.create(configmaps, { metadata: at(`c${n}`) });
    await clock.advance(0);
    await first;
    await clock.advance(0);
    // The bookmark that ends what was there, the event that was read, and the one that waits.
    assert.ok(handedOut <= 3, `${handedOut} events were handed out`);
    await events.return();
  });

  it("throws what the server refuses at the beginning, and lives through what it refuses later", async () => {
    const api = new FakeApi();
    const clock = new ManualClock();
    const deps = { client: api, clock, random: new Prng(1), log: silentLog };
    const refusal = new ApiError(403, { code: 403, reason: "Forbidden", message: "no" });
    let refuses = true;
    api.intercept = async () => {
      if (refuses) throw refusal;
      return undefined;
    };
    await assert.rejects(watchObjects(configmaps, {}, deps).next(), isForbidden);
    refuses = false;
    const events = watchObjects(configmaps, {}, deps);
    const first = events.next();
    await clock.advance(0);
    refuses = true;
    api.cutWatches();
    await clock.advance(60_000);
    refuses = false;
    await api.create(configmaps, { metadata: at("a") });
    await clock.advance(60_000);
    const { value } = await first;
    assert.ok(value);
    assert.equal(value.object.metadata.name, "a");
    await events.return();
  });
});

describe("client/kube/until", () => {
  const world = () => {
    const api = new FakeApi();
    const clock = new ManualClock();
    const closing = new AbortController();
    const bounds = { within: withinBy(clock), closed: closing.signal };
    return {
      api,
      clock,
      closing,
      deps: { client: api, clock, random: new Prng(1), log: silentLog, ...bounds },
    };
  };

  it("resolves at the change that makes it true, and watches no longer", async () => {
    const { api, clock, deps } = world();
    const waiting = untilObject(configmaps, at("a"), (object) => object?.data?.x === "1", {}, deps);
    await clock.advance(0);
    await api.create(configmaps, { metadata: at("a") });
    await api.patch(configmaps, at("a"), { data: { x: "1" } }, { type: "merge" });
    await clock.advance(0);
    assert.equal((await waiting)?.data?.x, "1");
    assert.equal(clock.pending, 0);
  });

  it("rejects after its time, with what its function throws, and with the signal's reason", async () => {
    const { clock, closing, deps } = world();
    const never = untilObject(configmaps, at("a"), () => false, { timeoutMs: 1_000 }, deps);
    const late = assert.rejects(never, TimeoutError);
    await clock.advance(1_000);
    await late;
    const broken = () => {
      throw new Error("broken");
    };
    await assert.rejects(untilObject(configmaps, at("a"), broken, {}, deps), /broken/);
    const end = new AbortController();
    const aborted = untilObject(configmaps, at("a"), () => false, { signal: end.signal }, deps);
    const stopped = assert.rejects(aborted, /stop/);
    await clock.advance(0);
    end.abort(new Error("stop"));
    await stopped;
    const last = untilObject(configmaps, at("a"), () => false, {}, deps);
    const ended = assert.rejects(last, /was closed/);
    await clock.advance(0);
    closing.abort(new Error("the client was closed"));
    await ended;
    assert.equal(clock.pending, 0);
  });
});
