import type { FlagTable, FlagValues } from "../../../base/os/flags.ts";
import { type AllowList, readAllowList } from "./allow-lists.ts";
import type { StateMetricsConfig } from "./state-metrics.ts";
import { stateKinds, usualStateKinds } from "./table.ts";

/** Lists of names as kube-state-metrics reads them, whose flags of these names do the same. */
export const stateMetricsFlags = {
  "metric-resources": {
    kind: "list",
    default: usualStateKinds,
    value: "KINDS",
    help: "of which kinds /metrics/state tells (plural, lower case)",
  },
  "metric-labels-allowlist": {
    kind: "string",
    default: "",
    value: "LIST",
    help: "which labels become labels of kube_KIND_labels: pods=[app,team-*],nodes=[*]; absent: none",
  },
  "metric-annotations-allowlist": {
    kind: "string",
    default: "",
    value: "LIST",
    help: "the same of annotations, for kube_KIND_annotations",
  },
} as const satisfies FlagTable;

export function stateMetricsConfig(
  flags: FlagValues<typeof stateMetricsFlags>,
  problems: string[],
): StateMetricsConfig {
  const kinds = flags["metric-resources"].flatMap((plural) => {
    const kind = stateKinds.get(plural);
    if (kind === undefined)
      problems.push(
        `--metric-resources: there are no series of "${plural}"; of ${[...stateKinds.keys()].sort().join(", ")} there are`,
      );
    return kind ?? [];
  });
  const list = (name: "metric-labels-allowlist" | "metric-annotations-allowlist"): AllowList => {
    try {
      return readAllowList(flags[name], new Set(stateKinds.keys()));
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      problems.push(`--${name}: ${error.message}`);
      return new Map();
    }
  };
  return {
    kinds: [...new Set(kinds)],
    allowed: {
      labels: list("metric-labels-allowlist"),
      annotations: list("metric-annotations-allowlist"),
    },
  };
}
