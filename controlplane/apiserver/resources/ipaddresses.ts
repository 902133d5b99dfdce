import { dns1123Subdomain, pathSegment } from "../../../client/rules/names.ts";
import type { IPAddress } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { GoForm } from "../schema/go-form.ts";
import { sameValue } from "../schema/same-value.ts";
import { addressNameProblems } from "./addresses.ts";
import { age, column } from "./cell-text.ts";
import { invalid, required } from "./field-errors.ts";
import { kindOf } from "./typed-kind.ts";

type Parent = IPAddress["spec"]["parentRef"];

/** Addresses of services: each is named as the address itself, and says whose it is. */
export const ipAddresses = kindOf<IPAddress>({
  group: "networking.k8s.io",
  version: "v1",
  kind: "IPAddress",
  plural: "ipaddresses",
  singular: "ipaddress",
  shortNames: ["ip"],
  categories: [],
  namespaced: false,
  subresources: {},
  nameRule: addressNameProblems,
  namesAsAsked: true,
  applyDefaults: () => undefined,
  validate: ({ spec }) => validateParent(spec.parentRef),
  validateUpdate: (next, current) =>
    sameValue(next.spec.parentRef, current.spec.parentRef)
      ? []
      : [
          invalid(
            "spec.parentRef",
            new GoForm("*networking.ParentReference", next.spec.parentRef),
            "field is immutable",
          ),
        ],
  columns: [column("ParentRef")],
  // Kubernetes sends the age without having a column for it.
  cells: ({ metadata, spec }, nowMs) => [parentText(spec.parentRef), age(metadata.creationTimestamp, nowMs)],
});

function validateParent(parent: Parent | undefined): readonly FieldError[] {
  if (parent === undefined) return [required("spec.parentRef")];
  const { group = "", resource = "", namespace = "", name = "" } = parent;
  const at = (field: string) => `spec.parentRef.${field}`;
  const segment = (field: string, value: string) =>
    pathSegment(value).map((text) => invalid(at(field), value, text));
  return [
    ...(group === "" ? [] : dns1123Subdomain(group).map((text) => invalid(at("group"), group, text))),
    ...(resource === "" ? [required(at("resource"))] : segment("resource", resource)),
    ...(name === "" ? [required(at("name"))] : segment("name", name)),
    ...(namespace === "" ? [] : segment("namespace", namespace)),
  ];
}

function parentText(parent: Parent | undefined): string {
  if (parent === undefined) return "<none>";
  const { group = "", resource = "", namespace = "", name = "" } = parent;
  const kind = (group === "" ? resource : `${resource}.${group}`).toLowerCase();
  return [kind, ...(namespace === "" ? [] : [namespace]), name].join("/");
}
