import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { KubeObject } from "../../client/types.ts";
import { nothingAllowed } from "../../controlplane/controllers/statemetrics/allow-lists.ts";
import { requestTotals } from "../../controlplane/controllers/statemetrics/state-metrics.ts";
import { kindText, objectText } from "../../controlplane/controllers/statemetrics/state-text.ts";
import { stateKinds } from "../../controlplane/controllers/statemetrics/table.ts";

const samples = join(
  import.meta.dirname,
  "../../controlplane/controllers/statemetrics/testdata/objects.json",
);

/** Labels beside those of all series of a kind, of families of which the samples have none. */
function furtherLabels(name: string): readonly string[] {
  const kind = /_(label|annotation)s$/.exec(name)?.[1];
  if (kind !== undefined) return [`${kind}_NAME`];
  if (name.endsWith("_owner")) return ["owner_kind", "owner_name", "owner_is_controller"];
  if (name.endsWith("_status_condition")) return ["condition", "status"];
  if (name === "kube_pod_resourceclaim_info")
    return ["claim_name", "resourceclaim_name", "resourceclaim_template_name"];
  if (name === "kube_pod_runtimeclass_name_info") return ["runtimeclass_name"];
  return [
    ...(/^kube_pod_(init_)?container_/.test(name) ? ["container"] : []),
    ...(name.endsWith("_reason") ? ["reason"] : []),
  ];
}

/** What /metrics/state tells of the objects that its tests have: at least one of nearly every kind. */
export function sampleStateText(): string {
  const objects = JSON.parse(readFileSync(samples, "utf8")) as readonly KubeObject[];
  const totals = Object.values(requestTotals()).map((family) => {
    family.of({ resource: "", result: "" });
    return family.text();
  });
  const kinds = [...stateKinds.values()]
    .map((kind) => {
      const own = objects.filter((object) => object.kind === kind.resource.kind);
      const texts = own.map((object) => objectText(kind, object, nothingAllowed));
      const { families } = kind;
      const object = {
        metadata: { name: "", uid: "", resourceVersion: "", creationTimestamp: "" },
        spec: {},
      };
      const common = Object.keys(kind.labels(own[0] ?? object));
      const missing = families.flatMap(({ name }, at) => {
        if (texts.some((text) => text[at] !== "")) return [];
        const labels = [...common, ...furtherLabels(name)].map((label) => `${label}=""`);
        return [`${name}{${labels.join()}} 0\n`];
      });
      return [...kindText(kind, texts), ...missing].join("");
    })
    .join("");
  return kinds + totals.join("");
}
