import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type CauseCode, causes, severities } from "../../client/why/causes.ts";
import { code, pageOf, plain, tableOf } from "./markdown.ts";

const examples = join(import.meta.dirname, "../../examples/broken");

/** docs/reference/causes.md. */
export function causesPage(): string {
  const codes = Object.keys(causes) as CauseCode[];
  return pageOf(
    "Causes",
    "What `pintle why` tells apart. The code stands in `-o json` and `-o yaml`. Each that a manifest can bring about has one in `examples/broken/`, with what is wrong with it and how to mend it; tests compare what is said of it.",
    ...severities.flatMap((severity) => {
      const rows = codes.filter((one) => causes[one].severity === severity).map(rowOf);
      return rows.length === 0
        ? []
        : [
            `## ${headings[severity]}`,
            tableOf(["cause", "code", "for example, and what is said of it"], rows),
          ];
    }),
    "## Beside k8sgpt and Popeye",
    `These look at a cluster for the same reasons, and are where the list began. k8sgpt's analyzers for pods, claims, ReplicaSets, Deployments, StatefulSets, DaemonSets, Jobs,
CronJobs, Services, Ingresses, nodes, autoscalers, budgets, network policies, webhooks, Gateways, routes, and definitions have rows above. So have Popeye's
codes for what is broken: 202–205 and 207 (pods), 304, 305 and 507 (what is referred to), 500 and 501 (workloads), 600 and 601
(autoscalers), 701–707 and 711 (nodes), 800 (namespaces), 900 and 901 (budgets), 1002–1004 (claims), 1100, 1105 and 1106 (Services) and 1200 (policies).`,
    `Not told, because nothing is broken by it: good practice (100–108, 206, 208, 300–303, 306: tags, probes, limits, root), what is used at all (400, 401; so k8sgpt of ConfigMaps), sizes against use
(109–112, 503–506, 602–605, 709, 710), and what a thing may cost (1102–1104, 1107–1109). k8sgpt's analyzers of operators' catalogues (OLM), of security, of taints that nobody tolerates and of words in logs have no row either.`,
  );
}

const headings = {
  error: "It does not work",
  warning: "It will not, or only partly",
  info: "Somebody wants it so, or it is under way",
  well: "Nothing is wrong",
} as const;

function rowOf(one: CauseCode): readonly string[] {
  const { title, example } = causes[one] as { readonly title: string; readonly example?: string | null };
  const file = join(examples, `${example ?? one}.yaml`);
  if (example === null || !existsSync(file)) return [plain(title), code(one), ""];
  const says = /^# Says: (.+)$/m.exec(readFileSync(file, "utf8"))?.[1] ?? "";
  return [plain(title), code(one), `${code(`${example ?? one}.yaml`)}: ${plain(says)}`];
}
