import { dns1123Subdomain } from "../../../client/rules/names.ts";
import type { CSIDriver } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { sameValue } from "../schema/same-value.ts";
import { age, ageColumn, column } from "./cell-text.ts";
import { duplicate, immutable, invalid, notSupported } from "./field-errors.ts";
import { kindOf } from "./typed-kind.ts";

type Spec = CSIDriver["spec"];
type TokenRequest = NonNullable<Spec["tokenRequests"]>[number];

const groupPolicies = ["File", "None", "ReadWriteOnceWithFSType"];
const lifecycleModes = ["Persistent", "Ephemeral"];
const tokenSeconds = { least: 600, most: 2 ** 32 } as const;
const updatePeriodSecondsMin = 10;

export const csiDrivers = kindOf<CSIDriver>({
  group: "storage.k8s.io",
  version: "v1",
  kind: "CSIDriver",
  plural: "csidrivers",
  singular: "csidriver",
  shortNames: [],
  categories: [],
  namespaced: false,
  needsVersion: true,
  returnsDeleted: true,
  subresources: {},
  nameRule: dns1123Subdomain,
  applyDefaults({ spec }) {
    spec.attachRequired ??= true;
    spec.podInfoOnMount ??= false;
    spec.storageCapacity ??= false;
    spec.fsGroupPolicy ??= "ReadWriteOnceWithFSType";
    if ((spec.volumeLifecycleModes ?? []).length === 0) spec.volumeLifecycleModes = ["Persistent"];
    spec.requiresRepublish ??= false;
    spec.seLinuxMount ??= false;
  },
  // Only a change of the spec is counted, and nothing before the first.
  prepareForUpdate(next, current) {
    if (!sameValue(next.spec, current.spec))
      next.metadata.generation = (current.metadata.generation ?? 0) + 1;
  },
  dropDisabled({ spec }, current) {
    // VolumeLimitScaling
    if (current?.spec.preventPodSchedulingIfMissing === undefined) delete spec.preventPodSchedulingIfMissing;
  },
  validate: ({ spec }) => validateSpec(spec),
  validateUpdate: (next, current) => [
    // Kubernetes spells this field so.
    ...immutable("spec.attachedRequired", next.spec.attachRequired, current.spec.attachRequired),
    ...immutable(
      "spec.volumeLifecycleModes",
      next.spec.volumeLifecycleModes,
      current.spec.volumeLifecycleModes,
    ),
  ],
  columns: [
    column("AttachRequired", "boolean"),
    column("PodInfoOnMount", "boolean"),
    column("StorageCapacity", "boolean"),
    column("TokenRequests"),
    column("RequiresRepublish", "boolean"),
    column("Modes"),
    ageColumn,
  ],
  warnings: ({ spec }, current) =>
    (spec.tokenRequests ?? []).length === 0 ||
    spec.serviceAccountTokenInSecrets !== undefined ||
    (current !== undefined && sameValue(spec.tokenRequests, current.spec.tokenRequests))
      ? []
      : [
          "spec.serviceAccountTokenInSecrets is unset; if supported by this CSI driver, set to true to prevent possible logging of tokens in volume attributes",
        ],
  cells: ({ metadata, spec }, nowMs) => [
    spec.attachRequired ?? true,
    spec.podInfoOnMount ?? false,
    spec.storageCapacity ?? false,
    spec.tokenRequests === undefined
      ? "<unset>"
      : spec.tokenRequests.map(({ audience }) => audience).join(","),
    spec.requiresRepublish ?? false,
    (spec.volumeLifecycleModes ?? []).join(",") || "<none>",
    age(metadata.creationTimestamp, nowMs),
  ],
});

function validateSpec(spec: Spec): readonly FieldError[] {
  const { fsGroupPolicy: policy, tokenRequests = [], volumeLifecycleModes = [] } = spec;
  const { nodeAllocatableUpdatePeriodSeconds: period, serviceAccountTokenInSecrets: inSecrets } = spec;
  const problems: FieldError[] = [];
  if (policy !== undefined && !groupPolicies.includes(policy))
    problems.push(notSupported("spec.fsGroupPolicy", policy, groupPolicies));
  problems.push(...validateTokens(tokenRequests, "spec.tokenRequests"));
  for (const mode of volumeLifecycleModes)
    if (!lifecycleModes.includes(mode))
      problems.push(notSupported("spec.volumeLifecycleModes", mode, lifecycleModes));
  if (period !== undefined && period < updatePeriodSecondsMin) {
    const text = `must be greater than or equal to ${updatePeriodSecondsMin} seconds`;
    problems.push(invalid("spec.nodeAllocatableUpdatePeriodSeconds", period, text));
  }
  if (inSecrets !== undefined && tokenRequests.length === 0) {
    const text = "serviceAccountTokenInSecrets is set but no tokenRequests are specified";
    problems.push(invalid("spec.serviceAccountTokenInSecrets", inSecrets, text));
  }
  return problems;
}

function validateTokens(requests: readonly TokenRequest[], field: string): readonly FieldError[] {
  return requests.flatMap(({ audience, expirationSeconds: seconds }, index) => {
    const at = `${field}[${index}]`;
    if (requests.findIndex((one) => one.audience === audience) < index)
      return [duplicate(`${at}.audience`, audience)];
    if (seconds === undefined) return [];
    const refuse = (text: string) => [invalid(`${at}.expirationSeconds`, seconds, text)];
    if (seconds < tokenSeconds.least) return refuse("may not specify a duration less than 10 minutes");
    return seconds > tokenSeconds.most ? refuse("may not specify a duration larger than 2^32 seconds") : [];
  });
}
