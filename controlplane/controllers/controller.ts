import type { Clock } from "../../base/os/clock.ts";
import type { Log } from "../../base/os/log.ts";
import type { Meter } from "../../base/os/metrics.ts";
import type { Random } from "../../base/os/random.ts";
import type { TaskScope } from "../../base/os/task-scope.ts";
import type { SyncResult } from "../../client/controller-loop.ts";
import type { EventRecorder } from "../../client/events.ts";
import type { InformerFactory } from "../../client/informer.ts";
import type { AnyClient } from "../../client/leader-only.ts";
import type { WorkQueue } from "../../client/work-queue.ts";
import type { ControllerManagerConfig } from "./flags.ts";
import type { ServedResources } from "./served-resources.ts";

/** The API plus what has no typed call: discovery and `finalize`. */
export type ControllerClient = AnyClient;

/** What every controller is handed. Lives as long as one term of leadership. */
export interface ControllerContext {
  readonly client: ControllerClient;
  /** Whole objects; one watch a kind for all controllers together. */
  readonly informers: InformerFactory;
  /** Only metadata is kept: for kinds of which a controller needs no more. */
  readonly metadataInformers: InformerFactory;
  /** Which kinds there are, custom and aggregated ones included. */
  readonly served: Pick<ServedResources, "current" | "follow" | "onChange">;
  readonly recorder: Pick<EventRecorder, "record">;
  readonly config: ControllerManagerConfig;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Of the process; a controller may be set up in several terms of leadership. */
  readonly meter: Meter;
  /** Ends with the term. */
  readonly tasks: TaskScope;
}

/** One controller as a value in `table.ts`. */
export interface Controller {
  /** As `--controllers` names it; Kubernetes' name. */
  readonly name: string;
  readonly workers: number;
  /** Asks for its informers, subscribes handlers that put keys into the queue, and returns what works on a key. No
   *  sync is called before every informer asked for here shows the whole state. */
  readonly setUp: (context: ControllerContext, queue: WorkQueue) => Sync;
  /** Not part of `*`: runs where `--controllers` names it. */
  readonly disabledByDefault?: true;
  /** Absent: always. */
  readonly enabled?: (config: ControllerManagerConfig) => boolean;
}

export type Sync = (key: string, signal: AbortSignal) => Promise<SyncResult>;
