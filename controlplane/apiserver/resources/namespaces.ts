import { dns1123Label, qualifiedName } from "../../../client/rules/names.ts";
import type { Namespace } from "../../../client/types.ts";
import { objectOf } from "../json.ts";
import type { FieldError } from "../registry/kind.ts";
import { age, ageColumn, column } from "./cell-text.ts";
import { invalid } from "./field-errors.ts";
import { ownerlessFinalizer } from "./meta.ts";
import { keepStatus } from "./status.ts";
import { kindOf } from "./typed-kind.ts";

const nameLabel = "kubernetes.io/metadata.name";

export const namespaces = kindOf<Namespace>({
  group: "",
  version: "v1",
  kind: "Namespace",
  plural: "namespaces",
  singular: "namespace",
  shortNames: ["ns"],
  categories: [],
  namespaced: false,
  // A collection of namespaces cannot be deleted at once.
  verbs: ["create", "delete", "get", "list", "patch", "update", "watch"],
  returnsDeleted: true,
  subresources: { status: true, special: ["finalize"] },
  nameRule: dns1123Label,
  applyDefaults(namespace) {
    labelWithName(namespace);
    if (!namespace.status?.phase) namespace.status = { ...objectOf(namespace.status), phase: "Active" };
  },
  prepareForCreate(namespace) {
    // Now a name that the server made up is known as well.
    labelWithName(namespace);
    const finalizers = namespace.spec?.finalizers ?? [];
    namespace.spec = {
      finalizers: finalizers.includes("kubernetes") ? finalizers : [...finalizers, "kubernetes"],
    };
    namespace.status = { phase: "Active" };
  },
  prepareForUpdate(next, current) {
    // Only …/finalize takes finalizers away.
    if (current.spec === undefined) delete next.spec;
    else next.spec = current.spec;
    keepStatus(next, current);
  },
  prepareForDelete(namespace) {
    namespace.status = { ...objectOf(namespace.status), phase: "Terminating" };
  },
  validate: ({ spec }) =>
    (spec?.finalizers ?? []).flatMap((one) => [
      ...qualifiedName(one).map((text) => invalid("spec.finalizers", one, text)),
      ...ownerlessFinalizer(one, "spec.finalizers"),
    ]),
  validateStatus: ({ metadata, status }) => validatePhase(metadata, status?.phase ?? ""),
  selectableFields: (namespace) => ({ "status.phase": namespace.status?.phase ?? "" }),
  columns: [column("Status"), ageColumn],
  cells: ({ metadata, status }, nowMs) => [status?.phase ?? "", age(metadata.creationTimestamp, nowMs)],
});

function validatePhase({ deletionTimestamp }: Namespace["metadata"], phase: string): readonly FieldError[] {
  const [wanted, when] =
    deletionTimestamp === undefined ? ["Active", "is empty"] : ["Terminating", "is not empty"];
  if (phase === wanted) return [];
  return [invalid("status.Phase", phase, `may only be '${wanted}' if \`deletionTimestamp\` ${when}`)];
}

function labelWithName({ metadata }: Namespace): void {
  const { name, labels } = metadata;
  if (name && labels?.[nameLabel] !== name) metadata.labels = { ...labels, [nameLabel]: name };
}
