import { MetricsRegistry } from "../../../base/os/metrics.ts";
import { ManualClock } from "../../../client/testing/manual-clock.ts";
import type { PodDisruptionBudget } from "../../../client/types.ts";
import { defaultProfile, type ProfileSpec, profileFrom } from "../config/make-profiles.ts";
import type { Handle } from "../cycle/handle.ts";
import type { Profile } from "../cycle/profile.ts";
import type { Snapshot } from "../cycle/snapshot.ts";
import { DeviceBook, noDevices } from "../devices/device-book.ts";
import { schedulerMetrics } from "../metrics.ts";
import { queueLimits } from "../queue.ts";

/** A handle for plugins that decide; those that act find nobody to talk to. */
export function testHandle(snapshot: Snapshot, more: Partial<Handle> = {}): Handle {
  const nobody = async (): Promise<never> => {
    throw new Error("there is no API server here");
  };
  return {
    snapshot,
    budgets: () => [],
    client: {
      create: nobody,
      createSubresource: nobody,
      delete: nobody,
      get: nobody,
      patch: nobody,
      update: nobody,
      updateStatus: nobody,
    },
    recorder: { record: () => undefined },
    metrics: schedulerMetrics(new MetricsRegistry()),
    clock: new ManualClock(),
    volumes: { assume: () => undefined, forget: () => undefined, carryOut: async () => undefined },
    devices: new DeviceBook(noDevices),
    later: () => undefined,
    permits: { pods: () => [], allow: () => undefined, refuse: () => false },
    activate: () => undefined,
    waitingOf: () => new Set(),
    ...more,
  };
}

/** The default profile, or another, over a snapshot. */
export function testProfile(
  snapshot: Snapshot,
  options: { readonly spec?: ProfileSpec; readonly budgets?: readonly PodDisruptionBudget[] } = {},
): Profile {
  const { spec = defaultProfile("default-scheduler"), budgets = [] } = options;
  return profileFrom(spec, testHandle(snapshot, { budgets: () => budgets }));
}

/** What a scheduler without doors needs to know. */
export const insideConfig = {
  election: undefined,
  profiles: [defaultProfile("default-scheduler")],
  extenders: [],
  backoff: queueLimits.backoff,
} as const;
