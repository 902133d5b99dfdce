import assert from "node:assert/strict";
import { MetricsRegistry } from "../base/os/metrics.ts";
import { systemRandom } from "../base/os/random.ts";
import { loopMetrics } from "./loop-metrics.ts";
import { ManualClock } from "./testing/manual-clock.ts";
import { WorkQueue } from "./work-queue.ts";

describe("work queues in metrics", () => {
  it("are reported together where several have one name", async () => {
    const meter = new MetricsRegistry();
    const clock = new ManualClock();
    const { queues } = loopMetrics(meter);
    const queue = (name: string, ...keys: readonly string[]) => {
      const made = new WorkQueue({ clock, random: systemRandom });
      queues.set(made, name);
      for (const key of keys) made.add(key);
      return made;
    };
    const first = queue("certificate", "a", "b", "c");
    queue("certificate", "d");
    queue("job", "e");
    await first.take(new AbortController().signal);
    await clock.advance(2000);
    const lines = async () =>
      (await meter.text()).split("\n").filter((line) => /^workqueue_(depth|longest)/.test(line));
    assert.deepEqual(await lines(), [
      'workqueue_depth{name="certificate"} 3',
      'workqueue_depth{name="job"} 1',
      'workqueue_longest_running_processor_seconds{name="certificate"} 2',
      'workqueue_longest_running_processor_seconds{name="job"} 0',
    ]);
    queues.delete(first);
    assert.equal((await lines())[0], 'workqueue_depth{name="certificate"} 1');
  });
});
