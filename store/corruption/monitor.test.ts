import assert from "node:assert/strict";
import type { AlarmMember } from "../../proto/etcd-maintenance.ts";
import { CorruptionMonitor } from "./monitor.ts";
import { amongOthers } from "./testing/other-members.ts";

const own = { hash: 5, compactRevision: 2, hashRevision: 9 };
const turn = () => new Promise<void>(setImmediate);

/** Member 1 of three, of which the second has something else; time goes on by hand. */
function rig(checks: { readonly everyMs: number; readonly compactionsEveryMs: number }) {
  const timers = new Set<{ readonly delayMs: number; readonly fire: () => void }>();
  const raised: AlarmMember[] = [];
  const standing: AlarmMember[] = [];
  const status = { role: "leader" };
  const others = amongOthers({ ...own, hash: 6, revision: 9 }, { ...own, revision: 9 });
  const monitor = new CorruptionMonitor(checks, {
    ...others,
    hashNow: async () => own,
    compactionHashes: () => [own],
    state: { revision: 9, compactRevision: 2 },
    caughtUp: async () => undefined,
    requestTimeoutMs: 7_000,
    alarms: () => standing,
    consensus: { status } as never,
    proposer: {
      propose: async (_: string, { memberId, alarm }: AlarmMember) => void raised.push({ memberId, alarm }),
    } as never,
    clock: {
      monotonicMs: () => 0,
      after: (delayMs, fire) => {
        const timer = { delayMs, fire };
        timers.add(timer);
        return () => void timers.delete(timer);
      },
    },
  });
  const delays = () => [...timers].map(({ delayMs }) => delayMs);
  const fire = async () => {
    const due = [...timers];
    timers.clear();
    for (const timer of due) timer.fire();
    for (let turns = 0; turns < 10; turns++) await turn();
  };
  return { monitor, raised, standing, status, asked: others.asked, delays, fire };
}

const corrupt = { memberId: 2n, alarm: "CORRUPT" } as const;

describe("the corruption monitor", () => {
  it("checks every so often, and raises an alarm that does not stand yet", async () => {
    for (const checks of [
      { everyMs: 50, compactionsEveryMs: 0 },
      { everyMs: 0, compactionsEveryMs: 50 },
    ]) {
      const { raised, standing, delays, fire } = rig(checks);
      assert.deepEqual(delays(), [50]);
      await fire();
      assert.deepEqual(raised, [corrupt]);
      assert.deepEqual(delays(), [50]);
      standing.push(corrupt);
      await fire();
      assert.deepEqual(raised, [corrupt]);
    }
  });

  it("asks nobody where it does not lead, or is not to", async () => {
    const { status, asked, delays, fire } = rig({ everyMs: 50, compactionsEveryMs: 50 });
    status.role = "follower";
    await fire();
    assert.deepEqual([asked, delays()], [[], [50, 50]]);
    assert.deepEqual(rig({ everyMs: 0, compactionsEveryMs: 0 }).delays(), []);
  });

  it("waits for nothing once it is stopped", async () => {
    const { monitor, delays } = rig({ everyMs: 50, compactionsEveryMs: 50 });
    monitor.stop();
    assert.deepEqual(delays(), []);
  });
});
