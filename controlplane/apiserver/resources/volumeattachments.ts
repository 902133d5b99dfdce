import { dns1123Subdomain } from "../../../client/rules/names.ts";
import type { VolumeAttachment } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { GoForm } from "../schema/go-form.ts";
import { sameValue } from "../schema/same-value.ts";
import { age, ageColumn, column } from "./cell-text.ts";
import { csiDriverName } from "./csi-names.ts";
import { forbidden, invalid, required, tooLong } from "./field-errors.ts";
import { validateVolumeSpec } from "./persistent-volume-validation.ts";
import { keepStatus, wholeMetadata } from "./status.ts";
import { kindOf } from "./typed-kind.ts";

type Source = VolumeAttachment["spec"]["source"];
type Failure = NonNullable<VolumeAttachment["status"]>["attachError"];

const metadataBytesMax = 256 * 1024;
const messageBytesMax = 1024;

export const volumeAttachments = kindOf<VolumeAttachment>({
  group: "storage.k8s.io",
  version: "v1",
  kind: "VolumeAttachment",
  plural: "volumeattachments",
  singular: "volumeattachment",
  shortNames: [],
  categories: [],
  namespaced: false,
  needsVersion: true,
  returnsDeleted: true,
  subresources: { status: true },
  statusKeeps: wholeMetadata,
  nameRule: dns1123Subdomain,
  applyDefaults(attachment) {
    attachment.status ??= { attached: false };
    attachment.status.attached ??= false;
  },
  prepareForCreate(attachment) {
    attachment.status = { attached: false };
  },
  prepareForUpdate: keepStatus,
  validate: ({ spec, status }) => [
    ...csiDriverName(spec.attacher, "spec.attacher"),
    ...validateSource(spec.source ?? {}, "spec.source"),
    ...dns1123Subdomain(spec.nodeName ?? "").map((text) =>
      invalid("spec.nodeName", spec.nodeName ?? "", text),
    ),
    ...validateMetadata(status?.attachmentMetadata ?? {}, "status.attachmentMetadata"),
    ...validateFailure(status?.attachError, "status.attachError"),
    ...validateFailure(status?.detachError, "status.detachError"),
    ...validateVolumeName(spec.source ?? {}, "spec.source"),
  ],
  validateUpdate: (next, current) =>
    sameValue(next.spec, current.spec)
      ? []
      : [invalid("spec", new GoForm("storage.VolumeAttachmentSpec", next.spec), "field is immutable")],
  columns: [
    { ...column("Attacher"), format: "name" },
    column("PV"),
    column("Node"),
    column("Attached", "boolean"),
    ageColumn,
  ],
  cells: ({ metadata, spec, status }, nowMs) => [
    spec.attacher,
    spec.source?.persistentVolumeName ?? "",
    spec.nodeName,
    status?.attached ?? false,
    age(metadata.creationTimestamp, nowMs),
  ],
});

function validateSource({ inlineVolumeSpec, persistentVolumeName }: Source, field: string) {
  const text = "must specify exactly one of inlineVolumeSpec and persistentVolumeName";
  const problems: FieldError[] = [];
  if (inlineVolumeSpec === undefined && persistentVolumeName === undefined)
    problems.push(required(field, text));
  else if (inlineVolumeSpec !== undefined && persistentVolumeName !== undefined)
    problems.push(forbidden(field, text));
  else if (persistentVolumeName === "")
    problems.push(required(`${field}.persistentVolumeName`, "must specify non empty persistentVolumeName"));
  else if (inlineVolumeSpec !== undefined)
    problems.push(
      ...validateVolumeSpec(inlineVolumeSpec, "", `${field}.inlineVolumeSpec`, { isInline: true }),
    );
  return problems;
}

/** Kubernetes asks for it after all else. */
function validateVolumeName({ persistentVolumeName: name }: Source, field: string): readonly FieldError[] {
  if (name === undefined) return [];
  return dns1123Subdomain(name).map((text) => invalid(`${field}.persistentVolumeName`, name, text));
}

function validateMetadata(metadata: Readonly<Record<string, string>>, field: string): readonly FieldError[] {
  const bytes = Object.entries(metadata).reduce(
    (sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value),
    0,
  );
  return bytes > metadataBytesMax ? [tooLong(field, metadataBytesMax)] : [];
}

function validateFailure(failure: Failure, field: string): readonly FieldError[] {
  const { message = "", errorCode } = failure ?? {};
  return [
    // Kubernetes names the bound of the metadata here.
    ...(Buffer.byteLength(message) > messageBytesMax ? [tooLong(`${field}.message`, metadataBytesMax)] : []),
    ...(errorCode !== undefined && errorCode < 0
      ? [invalid(`${field}.errorCode`, errorCode, "must be between 0 and 2147483647, inclusive")]
      : []),
  ];
}
