import type { Container, Pod, PodSpec } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { sameValue } from "../schema/same-value.ts";
import { forbidden, invalid } from "./field-errors.ts";
import { podContainers } from "./pod-defaults.ts";

/** How a container's AppArmor profile was asked for before there was a field for it. */

type Annotations = Readonly<Record<string, string>>;
type Profile = NonNullable<NonNullable<Container["securityContext"]>["appArmorProfile"]>;

export const appArmorPrefix = "container.apparmor.security.beta.kubernetes.io/";
const unconfined = "unconfined";
const runtimeDefault = "runtime/default";
const localhost = "localhost/";

/** Sets the field of each container that only an annotation speaks of; mutates. */
export function fillAppArmorProfiles(pod: Pod): void {
  for (const { container, profile } of annotatedAlone(pod))
    if (profile !== undefined)
      container.securityContext = { ...container.securityContext, appArmorProfile: profile };
}

/** Of annotations that the server makes fields of, or cannot. */
export function appArmorWarnings(pod: Pod): readonly string[] {
  return annotatedAlone(pod).map(
    ({ key }) =>
      `metadata.annotations[${key}]: deprecated since v1.30; use the "appArmorProfile" field instead`,
  );
}

interface AnnotatedAlone {
  readonly container: Container;
  readonly key: string;
  readonly profile: Profile | undefined;
}

/** Containers of which an annotation says what no field does, their own or their pod's. */
function annotatedAlone({ metadata, spec }: Pod): readonly AnnotatedAlone[] {
  if (spec.os?.name === "windows") return [];
  return podContainers(spec).flatMap((container) => {
    const key = appArmorPrefix + container.name;
    const annotation = metadata.annotations?.[key];
    if (annotation === undefined || container.securityContext?.appArmorProfile !== undefined) return [];
    const profile = profileOf(annotation);
    const isSaid = profile !== undefined && sameValue(profile, spec.securityContext?.appArmorProfile);
    return isSaid ? [] : [{ container, key, profile }];
  });
}

/** Undefined where the annotation says nothing that a field could. */
export function profileOf(annotation: string): Profile | undefined {
  if (annotation === unconfined) return { type: "Unconfined" };
  if (annotation === runtimeDefault) return { type: "RuntimeDefault" };
  const name = annotation.startsWith(localhost) ? annotation.slice(localhost.length) : "";
  const isName = name !== "" && name.trim() === name;
  return isName ? { type: "Localhost", localhostProfile: name } : undefined;
}

export function validateAppArmorAnnotations(
  annotations: Annotations,
  spec: PodSpec,
  field: string,
): readonly FieldError[] {
  return Object.entries(annotations).flatMap(([key, value]) => {
    if (!key.startsWith(appArmorPrefix)) return [];
    const name = key.slice(appArmorPrefix.length);
    const at = `${field}[${key}]`;
    const known = ["", unconfined, runtimeDefault].includes(value) || value.startsWith(localhost);
    return [
      ...(podContainers(spec).some((one) => one.name === name)
        ? []
        : [invalid(at, name, "container not found")]),
      ...(known ? [] : [invalid(at, value, `invalid AppArmor profile name: ${JSON.stringify(value)}`)]),
    ];
  });
}

/** Annotation and field of what is new must not contradict each other. */
export function validateAppArmorMatch(
  annotations: Annotations = {},
  spec: PodSpec,
  field: string,
): readonly FieldError[] {
  if (spec.os?.name === "windows") return [];
  return (["initContainers", "containers", "ephemeralContainers"] as const).flatMap((sort) =>
    (spec[sort] ?? []).flatMap(({ name, securityContext }, index) => {
      const annotation = annotations[appArmorPrefix + name];
      const profile = securityContext?.appArmorProfile ?? spec.securityContext?.appArmorProfile;
      if (annotation === undefined || profile === undefined) return [];
      return contradiction(annotation, profile, `${field}.${sort}[${index}].securityContext.appArmorProfile`);
    }),
  );
}

function contradiction(annotation: string, profile: Profile, field: string): readonly FieldError[] {
  const said = annotation.startsWith(localhost) ? "Localhost" : profileOf(annotation)?.type;
  if (said !== profile.type)
    return [forbidden(`${field}.type`, "apparmor type in annotation and field must match")];
  if (said !== "Localhost" || annotation.slice(localhost.length) === profile.localhostProfile) return [];
  return [forbidden(`${field}.localhostProfile`, "apparmor profile in annotation and field must match")];
}
