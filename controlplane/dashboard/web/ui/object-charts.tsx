import { useMemo } from "preact/hooks";
import type { KubeObject } from "../api/object-feed.ts";
import { subjectOf } from "../model/usage.ts";
import { UsageCharts } from "./usage-charts.tsx";

/** What an object and its pods used. */
export function ObjectCharts({ kind, object }: { readonly kind: string; readonly object: KubeObject }) {
  const subject = useMemo(() => subjectOf(kind, object), [kind, object]);
  if (subject === undefined) return <p class="empty">It selects no pods.</p>;
  return <UsageCharts subject={subject} />;
}
