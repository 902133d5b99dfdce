import type { ClusterFeeds } from "../api/cluster-feeds.ts";
import { useUsage } from "../api/usage.ts";
import { amountText, type Measure } from "../model/chart-amounts.ts";
import { allocatableOf, linesOf, sparkPath, type UsageAnswer } from "../model/usage.ts";
import { useRecount } from "../ui/use-recount.ts";
import { nodeKind } from "./kinds.ts";

const drawing = { width: 240, height: 40 };

/** What the cluster's nodes, or the pods of the chosen namespace, used in the last hour, in a line each. */
export function ClusterUse({ feeds }: { readonly feeds: ClusterFeeds }) {
  const { namespace } = feeds;
  const state = useUsage({
    ...(namespace === "" ? { of: "cluster" } : { of: "namespace", namespace }),
    range: "1h",
  });
  const nodes = feeds.of(nodeKind);
  const room = useRecount([nodes], () => allocatableOf(nodes?.objects() ?? []));
  const allocatable = namespace === "" ? room : { cpu: 0, memory: 0 };
  const refusal = state.is === "refused" ? state.why : undefined;
  const answer = state.is === "known" ? state.answer : undefined;
  return (
    <div class="sparks">
      <Spark title="CPU used" measure="cpu" answer={answer} all={allocatable.cpu} refusal={refusal} />
      <Spark
        title="Memory used"
        measure="memory"
        answer={answer}
        all={allocatable.memory}
        refusal={refusal}
      />
    </div>
  );
}

interface SparkProps {
  readonly title: string;
  readonly measure: Measure;
  readonly answer: UsageAnswer | undefined;
  /** What there is; 0 where that is not known. */
  readonly all: number;
  readonly refusal: string | undefined;
}

function Spark({ title, measure, answer, all, refusal }: SparkProps) {
  const values = answer?.total[measure] ?? [];
  const now = values.findLast((one) => one !== null) ?? undefined;
  // Its own peak, not what there is, is what a line so small can show the shape of.
  const top = Math.max(...values.map((one) => one ?? 0), 0) * 1.15 || 1;
  const lines = answer && { ...linesOf({ ...answer, series: [], count: 0 }, measure, "node") };
  return (
    <div class="tile spark">
      <span class="quiet">{title}, last hour</span>
      {refusal !== undefined && <span title={refusal}>not for you to see</span>}
      <span hidden={refusal !== undefined}>
        <strong>{now === undefined ? "–" : amountText(measure, now)}</strong>
        {all > 0 && now !== undefined && (
          <span class="quiet">
            {" "}
            of {amountText(measure, all)}, {Math.round((now / all) * 100)} %
          </span>
        )}
      </span>
      <svg viewBox={`0 0 ${drawing.width} ${drawing.height}`} preserveAspectRatio="none" aria-hidden="true">
        {lines && <path d={sparkPath(lines, { ...drawing, top })} />}
      </svg>
    </div>
  );
}
