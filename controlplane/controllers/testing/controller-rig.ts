import { parseFlags } from "../../../base/os/flags.ts";
import { silentLog } from "../../../base/os/log.ts";
import { MetricsRegistry } from "../../../base/os/metrics.ts";
import { systemRandom } from "../../../base/os/random.ts";
import { TaskScope } from "../../../base/os/task-scope.ts";
import { InformerFactory } from "../../../client/informer.ts";
import { FakeApi } from "../../../client/testing/fake-api.ts";
import { ManualClock } from "../../../client/testing/manual-clock.ts";
import { WorkQueue } from "../../../client/work-queue.ts";
import type { Controller, ControllerClient } from "../controller.ts";
import { controllerManagerConfig, controllerManagerFlags } from "../flags.ts";
import { ServedResources } from "../served-resources.ts";

export interface RigOptions {
  readonly flags?: readonly string[];
  readonly api?: FakeApi;
  readonly clock?: ManualClock;
}

/** One controller on an API in memory, whose time and keys a test hands out. */
export async function controllerRig(controller: Controller, options: RigOptions = {}) {
  const { api = new FakeApi(), clock = new ManualClock() } = options;
  const tasks = new TaskScope(silentLog);
  const meter = new MetricsRegistry();
  const parts = { client: api as unknown as ControllerClient, clock, random: systemRandom, log: silentLog };
  const informers = new InformerFactory(tasks, parts);
  const queue = new WorkQueue({ clock, random: systemRandom });
  const config = controllerManagerConfig(parseFlags(controllerManagerFlags, options.flags ?? []).flags);
  /** `Type Reason: message`, in order. */
  const events: string[] = [];
  const recorder = {
    record: (_: unknown, { type, reason, message }: { type: string; reason: string; message: string }) =>
      void events.push(`${type} ${reason}: ${message}`),
  };
  const served = new ServedResources({ ...parts, metadataInformers: informers, tasks });
  const caches = { informers, metadataInformers: informers, served };
  const sync = controller.setUp({ ...parts, ...caches, meter, recorder, config, tasks }, queue);
  await informers.synced(tasks.signal);
  return {
    api,
    clock,
    queue,
    events,
    meter,
    informers,
    /** Works on one key, as the loop would. */
    sync: (key: string) => sync(key, tasks.signal),
    /** Works on the next key that is put into the queue, and names it. */
    async next(): Promise<string> {
      const key = await queue.take(tasks.signal);
      try {
        const result = await sync(key, tasks.signal);
        if (result?.requeueAfterMs !== undefined) queue.addAfter(key, result.requeueAfterMs);
      } finally {
        queue.done(key);
      }
      return key;
    },
    /** Works until nothing is ready; rejects with the first failure. */
    async settle(): Promise<void> {
      for (;;) {
        // What was written comes back through the watch within a few turns.
        for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
        if (queue.length === 0) return;
        while (queue.length > 0) await this.next();
      }
    },
    stop: () => tasks.stop(),
  };
}
