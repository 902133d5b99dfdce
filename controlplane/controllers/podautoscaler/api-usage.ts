import { withQuery } from "../../../client/paths.ts";
import { readGoDuration } from "../../../client/rules/go-duration.ts";
import type { ControllerClient } from "../controller.ts";
import { timeMs } from "../times.ts";
import { answerProblem } from "./answer-problem.ts";
import { queryText } from "./custom-metrics.ts";
import { MetricProblem } from "./metric-problem.ts";
import type { MetricsSource, PodsAsked, PodUsage } from "./metrics-source.ts";

interface PodMetricsList {
  readonly items?: readonly {
    readonly metadata: { readonly name: string };
    readonly timestamp?: string;
    readonly window?: string;
    readonly containers?: PodUsage["containers"];
  }[];
}

/** Resource metrics as the API group metrics.k8s.io serves them. */
export function apiUsage(client: Pick<ControllerClient, "raw">): MetricsSource {
  return {
    async resourceUsage({ namespace, selector }: PodsAsked, signal) {
      const path = withQuery(`/apis/metrics.k8s.io/v1beta1/namespaces/${namespace}/pods`, {
        labelSelector: queryText(selector),
      });
      let list: PodMetricsList;
      try {
        list = JSON.parse(await client.raw("GET", path, undefined, { signal })) as PodMetricsList;
      } catch (error) {
        const why =
          error instanceof SyntaxError
            ? "the answer is no JSON"
            : answerProblem(error, "get pods.metrics.k8s.io", signal);
        throw new MetricProblem(`unable to fetch metrics from resource metrics API: ${why}`);
      }
      const items = list.items ?? [];
      if (items.length === 0) throw new MetricProblem("no metrics returned from resource metrics API");
      return items.map(({ metadata, timestamp, window = "0s", containers = [] }) => ({
        name: metadata.name,
        timestampMs: timeMs(timestamp),
        windowMs: spanMs(window),
        containers,
      }));
    },
  };
}

function spanMs(text: string): number {
  const read = readGoDuration(text);
  return read.ok ? read.nanoseconds / 1e6 : 0;
}
