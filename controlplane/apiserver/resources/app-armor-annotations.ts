import type { Container, Pod } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { sameValue } from "../schema/same-value.ts";
import { forbidden, invalid } from "./field-errors.ts";
import { podContainers } from "./pod-defaults.ts";

/** How a container's AppArmor profile was asked for before there was a field for it. */

type Profile = NonNullable<NonNullable<Container["securityContext"]>["appArmorProfile"]>;

const prefix = "container.apparmor.security.beta.kubernetes.io/";
const unconfined = "unconfined";
const runtimeDefault = "runtime/default";
const localhost = "localhost/";

/** Sets the field of each container that only an annotation speaks of; mutates. */
export function fillAppArmorProfiles({ metadata, spec }: Pod): void {
  if (spec.os?.name === "windows") return;
  for (const container of podContainers(spec)) {
    const annotation = metadata.annotations?.[prefix + container.name];
    if (annotation === undefined || container.securityContext?.appArmorProfile !== undefined) continue;
    const profile = profileOf(annotation);
    if (profile === undefined || sameValue(profile, spec.securityContext?.appArmorProfile)) continue;
    container.securityContext = { ...container.securityContext, appArmorProfile: profile };
  }
}

/** Undefined where the annotation says nothing that a field could. */
function profileOf(annotation: string): Profile | undefined {
  if (annotation === unconfined) return { type: "Unconfined" };
  if (annotation === runtimeDefault) return { type: "RuntimeDefault" };
  const name = annotation.startsWith(localhost) ? annotation.slice(localhost.length) : "";
  const isName = name !== "" && name.trim() === name;
  return isName ? { type: "Localhost", localhostProfile: name } : undefined;
}

export function validateAppArmorAnnotations({ metadata, spec }: Pod): readonly FieldError[] {
  return Object.entries(metadata.annotations ?? {}).flatMap(([key, value]) => {
    if (!key.startsWith(prefix)) return [];
    const name = key.slice(prefix.length);
    const at = `metadata.annotations[${key}]`;
    const known = ["", unconfined, runtimeDefault].includes(value) || value.startsWith(localhost);
    return [
      ...(podContainers(spec).some((one) => one.name === name)
        ? []
        : [invalid(at, name, "container not found")]),
      ...(known ? [] : [invalid(at, value, `invalid AppArmor profile name: ${JSON.stringify(value)}`)]),
    ];
  });
}

/** Annotation and field of a new pod must not contradict each other. */
export function validateAppArmorMatch({ metadata, spec }: Pod, field: string): readonly FieldError[] {
  if (spec.os?.name === "windows") return [];
  return (["initContainers", "containers"] as const).flatMap((sort) =>
    (spec[sort] ?? []).flatMap(({ name, securityContext }, index) => {
      const annotation = metadata.annotations?.[prefix + name];
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
