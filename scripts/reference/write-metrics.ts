// Writes docs/reference/metrics.md: starts a small cluster of plain processes and reads what its parts show.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { startCluster } from "../../test/local-cluster.ts";
import { declaredMetrics } from "./declared-metrics.ts";
import { metricRows, metricsPage } from "./metrics-page.ts";
import { referenceFolder } from "./pages.ts";
import { runningMetrics } from "./running-metrics.ts";

const cluster = await startCluster({ replicas: 1, nodes: 1, runtime: "process" });
try {
  const { ports } = cluster.state().plan;
  const shown = await runningMetrics({ ports, raw: (path) => cluster.kubectl("get", "--raw", path) });
  const rows = metricRows(shown, declaredMetrics(join(referenceFolder, "../..")));
  writeFileSync(join(referenceFolder, "metrics.md"), metricsPage(rows));
  console.log(`wrote docs/reference/metrics.md: ${rows.length} metrics`);
} finally {
  await cluster.stop();
}
