import type { Os } from "../../../base/os/os.ts";
import { InFlight, type InFlightLimits } from "../filters/in-flight.ts";
import type { Seats } from "../filters/seats.ts";
import type { RegistryDeps } from "../registry/registry-deps.ts";
import { FlowControl } from "./flow-control.ts";
import { flowMetrics, observeLevels } from "./flow-metrics.ts";
import { followConfiguration } from "./follow-configuration.ts";

export interface BoundsConfig {
  readonly inFlight: InFlightLimits;
  /** Requests wait by priority and fairness; without, those beyond a number are refused. */
  readonly priorityAndFairness: boolean;
}

export interface Bounds {
  readonly seats: Seats;
  /** Absent without priority and fairness. */
  readonly flowControl: FlowControl | undefined;
  /** Keeps the bounds as they are configured, until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
  readonly isReady: () => boolean;
}

/** What bounds the requests under way. */
export function composeBounds(
  { inFlight, priorityAndFairness }: BoundsConfig,
  deps: RegistryDeps,
  os: Os,
): Bounds {
  if (!priorityAndFairness)
    return {
      seats: new InFlight(inFlight),
      flowControl: undefined,
      run: async () => {},
      isReady: () => true,
    };
  const flowControl = new FlowControl({
    clock: os.clock,
    serverSeats: inFlight.readingMax + inFlight.mutatingMax,
    metrics: flowMetrics(os.metrics),
    sizeOf: (group, version, plural) => {
      const kind = deps.kinds.byResource(group, version, plural)?.kind;
      return kind && deps.hub.peek(kind);
    },
  });
  observeLevels(os.metrics, flowControl.levels);
  let ready = false;
  const onReady = () => {
    ready = true;
  };
  return {
    seats: flowControl,
    flowControl,
    run: (signal) => followConfiguration(deps, flowControl, { signal, onReady }),
    isReady: () => ready,
  };
}
