import type { Feature } from "../features.ts";
import type { Kind } from "../registry/kind.ts";
import { logEntries } from "./log-entries.ts";
import { resourceMetricsKinds } from "./resource-metrics.ts";
import { kindsOfFeatures } from "./table.ts";

/** What a server serves that is asked to: by features, and what nobody stores. */
export function kindsWithFlags({
  features,
  resourceMetrics,
  logSearch = false,
}: {
  readonly features: ReadonlySet<Feature>;
  readonly resourceMetrics: boolean;
  readonly logSearch?: boolean;
}): readonly Kind[] {
  const more = [...features].flatMap((feature) => kindsOfFeatures.get(feature) ?? []);
  return [...more, ...(resourceMetrics ? resourceMetricsKinds : []), ...(logSearch ? [logEntries] : [])];
}
