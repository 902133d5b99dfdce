import assert from "node:assert/strict";
import { silentLog } from "../base/os/log.ts";
import { Prng } from "../base/os/random.ts";
import type { ApiClient, CallOptions } from "./api.ts";
import { ConnectionError, isLeaseNotHeld } from "./api-error.ts";
import { LeaderElector, type Term } from "./leader-election.ts";
import { leaderOnly, unelected } from "./leader-only.ts";
import { resources } from "./resources.ts";
import { FakeApi } from "./testing/fake-api.ts";
import { ManualClock } from "./testing/manual-clock.ts";
import type { Lease, Pod } from "./types.ts";

const times = { leaseDurationMs: 3_000, renewDeadlineMs: 2_000, retryPeriodMs: 500 };
const ref = { namespace: "default", name: "p" };
const pod = { metadata: ref } as unknown as Pod;

/** Writes of every kind, by name. */
const writes: Readonly<Record<string, (client: ApiClient) => Promise<unknown>>> = {
  create: (client) => client.create(resources.pods, pod),
  update: (client) => client.update(resources.pods, pod),
  updateStatus: (client) => client.updateStatus(resources.pods, pod),
  patch: (client) => client.patch(resources.pods, ref, {}, { type: "merge" }),
  delete: (client) => client.delete(resources.pods, ref),
  deleteCollection: (client) => client.deleteCollection(resources.pods, { namespace: "default" }),
  createSubresource: (client) => client.createSubresource(resources.pods, ref, "binding", {}),
};

describe("client/leader-only", () => {
  /** A candidate, with the terms that it has led. */
  function candidate(api: FakeApi, clock: ManualClock, identity = "a") {
    const terms: Term[] = [];
    const onStartedLeading = (signal: AbortSignal, term: Term) => {
      terms.push(term);
      return new Promise<void>((resolve) =>
        signal.addEventListener("abort", () => resolve(), { once: true }),
      );
    };
    const deps = { client: api, clock, random: new Prng(1), log: silentLog };
    const elector = new LeaderElector({ name: "l", identity, times, onStartedLeading }, deps);
    const stop = new AbortController();
    const done = elector.run(stop.signal);
    return {
      terms,
      elector,
      client: leaderOnly(api, () => terms.at(-1)),
      stop: async () => {
        stop.abort(new Error("stopped"));
        await clock.advance(3_000);
        await done;
      },
    };
  }
  const refused = (error: unknown) => error instanceof ConnectionError && error.neverSent;
  const lease = (api: FakeApi) => api.all(resources.leases)[0] as Lease;

  it("says of each write in which term it was decided, and of no read", async () => {
    const heldLease = { namespace: "n", name: "l", holder: "a", transitions: 3 };
    const seen: [string, CallOptions["heldLease"]][] = [];
    const spy = new Proxy({} as ApiClient, {
      get:
        (_, name) =>
        async (...words: CallOptions[]) =>
          void seen.push([String(name), words.at(-1)?.heldLease]),
    });
    const client = leaderOnly(spy, () => ({ ...unelected, heldLease }));
    for (const write of Object.values(writes)) await write(client);
    await client.get(resources.pods, ref);
    await client.list(resources.pods, {});
    assert.deepEqual(seen, [
      ...Object.keys(writes).map((name) => [name, heldLease]),
      ["get", undefined],
      ["list", undefined],
    ]);
  });

  it("refuses every write without a term", async () => {
    const api = new FakeApi();
    const client = leaderOnly(api, () => undefined);
    for (const [name, write] of Object.entries(writes)) await assert.rejects(write(client), refused, name);
    assert.deepEqual(api.actions, []);
  });

  it("writes without an election, and says nothing of a lease", async () => {
    const api = new FakeApi();
    await leaderOnly(api, () => unelected).create(resources.pods, pod);
    assert.equal(api.all(resources.pods).length, 1);
  });

  it("has a write that arrives in another's term refused, and then ends its own", async () => {
    const clock = new ManualClock();
    const api = new FakeApi();
    const one = candidate(api, clock);
    await clock.advance(1_000);
    await one.client.create(resources.pods, pod);
    // Another takes it while this one still counts on it.
    const { metadata } = lease(api);
    const theirs = { holderIdentity: "b", leaseTransitions: 7, leaseDurationSeconds: 3 };
    await api.update(resources.leases, { metadata, spec: theirs });
    const late = one.terms[0]?.isCurrent();
    await assert.rejects(
      one.client.delete(resources.pods, ref),
      (error) => refused(error) && isLeaseNotHeld((error as ConnectionError).cause),
    );
    assert.deepEqual([late, one.terms[0]?.isCurrent(), one.elector.isLeader], [true, false, false]);
    assert.equal(api.all(resources.pods).length, 1);
    await clock.advance(10_000);
    assert.deepEqual(
      one.terms.map(({ heldLease }) => heldLease.transitions),
      [0, 8],
      "it leads again once the other does not renew",
    );
    await one.client.delete(resources.pods, ref);
    await one.stop();
  });

  it("tells a term from the one before, though both are the same candidate's", async () => {
    const clock = new ManualClock();
    const api = new FakeApi();
    const one = candidate(api, clock);
    await clock.advance(1_000);
    api.intercept = async () => {
      throw new ConnectionError("away", { neverSent: true });
    };
    await clock.advance(2_500);
    assert.equal(one.elector.isLeader, false);
    api.intercept = async () => undefined;
    await clock.advance(1_000);
    const [first, second, third] = one.terms;
    assert.deepEqual([lease(api).spec?.holderIdentity, third], ["a", undefined]);
    assert.ok(first && second);
    const create = (term: Term) => api.create(resources.pods, pod, { heldLease: term.heldLease });
    await assert.rejects(create(first), isLeaseNotHeld);
    await create(second);
    await clock.advance(5_000);
    assert.equal(lease(api).spec?.leaseTransitions, second.heldLease.transitions, "renewals are no new term");
    await one.stop();
  });
});
