import type { Clock } from "../../../base/os/clock.ts";
import { exponentialBuckets, type Meter } from "../../../base/os/metrics.ts";
import { oncePerMeter } from "../../../base/os/once-per-meter.ts";
import { ApiError } from "../../../client/api-error.ts";

/** What is reported of publishing the authority, under Kubernetes' names, by the code that the API answered. */
export type RootCaMetrics = ReturnType<typeof declare>;

export const rootCaMetrics = oncePerMeter(declare);

function declare(meter: Meter) {
  const prefix = "root_ca_cert_publisher";
  return {
    syncs: meter.counter(`${prefix}_sync_total`, "Looks at a namespace.", ["code"]),
    syncSeconds: meter.histogram(`${prefix}_sync_duration_seconds`, "Time to look at a namespace.", {
      labels: ["code"],
      buckets: exponentialBuckets(0.001, 2, 15),
    }),
  };
}

/** Does the work, and counts it. */
export async function observed(
  metrics: RootCaMetrics,
  clock: Clock,
  work: () => Promise<void>,
): Promise<void> {
  const startedMs = clock.monotonicMs();
  let code = "500";
  try {
    await work();
    code = "200";
  } catch (error) {
    if (error instanceof ApiError) code = String(error.code);
    throw error;
  } finally {
    metrics.syncs.inc({ code });
    metrics.syncSeconds.observe({ code }, (clock.monotonicMs() - startedMs) / 1000);
  }
}
