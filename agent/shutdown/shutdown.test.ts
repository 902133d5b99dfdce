import { strict as assert } from "node:assert";
import { silentLog } from "../../base/os/log.ts";
import { ManualClock } from "../../client/testing/manual-clock.ts";
import type { Pod } from "../../client/types.ts";
import { endPods } from "./end-pods.ts";
import { shutdownGraceSeconds, shutdownPeriods, shutdownRounds } from "./shutdown-rounds.ts";

const pod = (name: string, priority?: number, grace?: number, phase = "Running") =>
  ({
    metadata: { namespace: "default", name, uid: name },
    spec: {
      containers: [],
      ...(priority !== undefined && { priority }),
      ...(grace !== undefined && { terminationGracePeriodSeconds: grace }),
    },
    status: { phase },
  }) as unknown as Pod;
const critical = 2_000_000_000;

describe("the order of a node's shutdown", () => {
  const rounds = (periods: Parameters<typeof shutdownRounds>[0], ...pods: readonly Pod[]) =>
    shutdownRounds(periods, pods).map((one) => [
      one.seconds,
      one.pods.map(({ metadata }) => metadata.name).join(),
    ]);

  it("leaves the last of the time to critical pods", () => {
    const periods = shutdownPeriods({ seconds: 30, criticalSeconds: 10 });
    assert.deepEqual(
      rounds(periods, pod("a"), pod("system", critical + 1000), pod("b", critical - 1), pod("below", -5)),
      [
        [20, "a,b,below"],
        [10, "system"],
      ],
    );
    assert.deepEqual(rounds(periods, pod("system", critical)), [[10, "system"]]);
  });

  it("puts every pod into one round, that of the highest priority which is not above its own", () => {
    const periods = [-10, 0, 5, 100].map((priority, at) => ({ priority, seconds: at + 1 }));
    for (let priority = -20; priority <= 120; priority++) {
      const wanted = priority < 0 ? 1 : priority < 5 ? 2 : priority < 100 ? 3 : 4;
      assert.deepEqual(rounds(periods, pod("p", priority)), [[wanted, "p"]], `priority ${priority}`);
    }
  });

  it("gives no pod more than it asks for, nor more than its round has", () => {
    assert.deepEqual(
      [pod("a", 0, 5), pod("a", 0, 50), pod("a"), pod("a", 0, 0)].map((one) => shutdownGraceSeconds(one, 20)),
      [5, 20, 20, 0],
    );
  });
});

describe("a node's shutdown", () => {
  it("ends one round after the other, each in its time, and nothing that ended by itself", async () => {
    const clock = new ManualClock();
    const told: string[] = [];
    const done = new Map<string, () => void>();
    const pods = [pod("web", 0, 3), pod("slow", 0), pod("job", 0, 30, "Succeeded"), pod("dns", critical, 4)];
    const whole = endPods(shutdownPeriods({ seconds: 30, criticalSeconds: 10 }), {
      clock,
      log: silentLog,
      pods: () => pods,
      end: ({ metadata: { name } }, graceSeconds, signal) => {
        told.push(`${name} ${graceSeconds}`);
        return new Promise((resolve, reject) => {
          done.set(name, resolve);
          signal.addEventListener("abort", () => reject(signal.reason));
        });
      },
    }).then(() => told.push("over"));
    assert.deepEqual(told, ["web 3", "slow 20"]);
    done.get("web")?.();
    await clock.advance(19_999);
    assert.deepEqual(told, ["web 3", "slow 20"], "the others of its round are waited for");
    await clock.advance(1);
    assert.deepEqual(told.at(-1), "dns 4");
    done.get("dns")?.();
    await whole;
    assert.deepEqual(told, ["web 3", "slow 20", "dns 4", "over"]);
  });

  it("waits for no round that has no pods", async () => {
    const clock = new ManualClock();
    await endPods(shutdownPeriods({ seconds: 30, criticalSeconds: 10 }), {
      clock,
      log: silentLog,
      pods: () => [],
      end: () => assert.fail("there is none"),
    });
  });
});
