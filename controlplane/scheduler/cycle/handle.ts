import type { Clock } from "../../../base/os/clock.ts";
import type { ApiClient } from "../../../client/api.ts";
import type { EventRecorder } from "../../../client/events.ts";
import type { PodDisruptionBudget } from "../../../client/types.ts";
import type { DeviceBook } from "../devices/device-book.ts";
import type { SchedulerMetrics } from "../metrics.ts";
import type { VolumeBook } from "../storage/volume-book.ts";
import type { Plugin } from "./plugin.ts";
import type { PodInfo } from "./pod-info.ts";
import type { Snapshot } from "./snapshot.ts";

/** What a plugin is given of the scheduler that it is part of. */
export interface Handle {
  /** The cluster as it is at the time of asking. */
  readonly snapshot: Snapshot;
  readonly budgets: () => readonly PodDisruptionBudget[];
  readonly client: Pick<
    ApiClient,
    "create" | "createSubresource" | "delete" | "get" | "patch" | "update" | "updateStatus"
  >;
  readonly recorder: Pick<EventRecorder, "record">;
  readonly metrics: SchedulerMetrics;
  readonly clock: Clock;
  readonly volumes: Pick<VolumeBook, "assume" | "forget" | "carryOut">;
  readonly devices: DeviceBook;
  /** Does something that no decision waits for, as long as this scheduler leads; what fails is logged. */
  readonly later: (what: string, work: (signal: AbortSignal) => Promise<void>) => void;
  /** Pods that wait for a `permit`, which their plugins may give or refuse. */
  readonly permits: PermitDesk;
  /** Lets pods of the queue (by key) have another try, whatever refused them. */
  readonly activate: (keys: Iterable<string>) => void;
  /** The keys of the group's pods that have no node yet, those being decided on included. */
  readonly waitingOf: (group: string) => ReadonlySet<string>;
}

export interface PermitDesk {
  /** Pods that were given a node and wait for permits. */
  pods(): Iterable<{ readonly pod: PodInfo; readonly node: string }>;
  allow(key: string, plugin: string): void;
  /** Answers whether the pod was waiting. */
  refuse(key: string, plugin: string, message: string): boolean;
}

/** Makes a plugin. `args` is what its configuration says, checked and completed where Kubernetes has a kind for it. */
export type PluginFactory = (args: unknown, handle: Handle) => Plugin;
