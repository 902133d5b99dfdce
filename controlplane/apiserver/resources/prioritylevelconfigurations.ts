import { dns1123Subdomain } from "../../../client/rules/names.ts";
import type { PriorityLevelConfiguration } from "../../../client/types.ts";
import { age, ageColumn, column } from "./cell-text.ts";
import { validatePriorityLevel } from "./priority-level-validation.ts";
import { clearStatus, keepStatus, wholeMetadata } from "./status.ts";
import { kindOf } from "./typed-kind.ts";

const none = "<none>";

/** How many requests a level may serve at once, and what becomes of those beyond (`flowcontrol/`). */
export const priorityLevelConfigurations = kindOf<PriorityLevelConfiguration>({
  group: "flowcontrol.apiserver.k8s.io",
  version: "v1",
  kind: "PriorityLevelConfiguration",
  plural: "prioritylevelconfigurations",
  singular: "prioritylevelconfiguration",
  shortNames: [],
  categories: [],
  namespaced: false,
  subresources: { status: true },
  hasGeneration: true,
  statusKeeps: wholeMetadata,
  nameRule: dns1123Subdomain,
  applyDefaults(level) {
    const { exempt, limited } = level.spec;
    level.spec.type ??= "";
    if (exempt !== undefined) {
      exempt.nominalConcurrencyShares ??= 0;
      exempt.lendablePercent ??= 0;
    }
    if (limited !== undefined) {
      limited.nominalConcurrencyShares ??= 30;
      limited.lendablePercent ??= 0;
      limited.limitResponse ??= { type: "" };
      limited.limitResponse.type ??= "";
      const { queuing } = limited.limitResponse;
      if (queuing !== undefined) {
        queuing.handSize ||= 8;
        queuing.queues ||= 64;
        queuing.queueLengthLimit ||= 50;
      }
    }
    level.status ??= {};
  },
  prepareForCreate: clearStatus,
  prepareForUpdate: keepStatus,
  validate: validatePriorityLevel,
  columns: [
    column("Type"),
    column("NominalConcurrencyShares"),
    column("Queues"),
    column("HandSize"),
    column("QueueLengthLimit"),
    ageColumn,
  ],
  cells: ({ spec, metadata }, nowMs) => {
    const queuing = spec.limited?.limitResponse?.queuing;
    return [
      spec.type ?? "",
      spec.limited?.nominalConcurrencyShares ?? none,
      queuing?.queues ?? none,
      queuing?.handSize ?? none,
      queuing?.queueLengthLimit ?? none,
      age(metadata.creationTimestamp, nowMs),
    ];
  },
});
