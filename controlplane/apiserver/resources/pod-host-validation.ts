import { dns1123Subdomain } from "../../../client/rules/names.ts";
import type { PodSpec } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { forbidden, invalid, tooLong } from "./field-errors.ts";

const hostnameBytesMax = 64;

/** `hostnameOverride`: the whole name, and nothing beside it. */
export function validateHostnameOverride(spec: PodSpec, field: string): readonly FieldError[] {
  const { hostnameOverride: name, setHostnameAsFQDN, hostNetwork } = spec;
  if (name === undefined) return [];
  const at = `${field}.hostnameOverride`;
  const problems: FieldError[] = [];
  if (setHostnameAsFQDN) problems.push(forbidden(at, "may not be specified when setHostnameAsFQDN is true"));
  if (hostNetwork) problems.push(forbidden(at, "may not be specified when hostNetwork is true"));
  if (name.length > hostnameBytesMax) problems.push(tooLong(at, hostnameBytesMax));
  return [...problems, ...dns1123Subdomain(name).map((text) => invalid(at, name, text))];
}

/** `hostUsers: false`: users of its own do not go together with other namespaces of the host's. */
export function validateHostUsers(spec: PodSpec, field: string): readonly FieldError[] {
  if (spec.hostUsers !== false) return [];
  const text = "when `hostUsers` is false";
  return [
    ...(spec.hostNetwork ? [forbidden(`${field}.hostNetwork`, text)] : []),
    ...(spec.hostPID ? [forbidden(`${field}.HostPID`, text)] : []),
    ...(spec.hostIPC ? [forbidden(`${field}.HostIPC`, text)] : []),
    ...(["containers", "initContainers"] as const).flatMap((sort) =>
      (spec[sort] ?? []).flatMap(({ volumeDevices = [] }, index) =>
        volumeDevices.length > 0 ? [forbidden(`${field}.${sort}[${index}].volumeDevices`, text)] : [],
      ),
    ),
  ];
}

/** On the host's network a port is the same on both sides. Where a template leaves it open, the pod gets it. */
export function validateHostPorts(
  { hostNetwork, containers = [] }: PodSpec,
  field: string,
  { isPod }: { readonly isPod: boolean },
): readonly FieldError[] {
  if (hostNetwork !== true) return [];
  return containers.flatMap(({ ports = [] }, container) =>
    ports.flatMap(({ hostPort = 0, containerPort = 0 }, index) =>
      hostPort === containerPort || (hostPort === 0 && !isPod)
        ? []
        : [
            invalid(
              `${field}.containers[${container}].ports[${index}].hostPort`,
              hostPort,
              "must match `containerPort` when `hostNetwork` is true",
            ),
          ],
    ),
  );
}
