import type { Container, PodSpec } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { forbidden, invalid } from "./field-errors.ts";
import { descendingPath } from "./relative-path.ts";

/** How seccomp profiles were asked for before there were fields for them: no more heeded, but still checked. */

type Annotations = Readonly<Record<string, string>>;
type Profile = NonNullable<NonNullable<Container["securityContext"]>["seccompProfile"]>;

export const seccompPodKey = "seccomp.security.alpha.kubernetes.io/pod";
export const seccompContainerPrefix = "container.seccomp.security.alpha.kubernetes.io/";
const localhost = "localhost/";
const unconfined = "unconfined";
const defaults = ["runtime/default", "docker/default"];

export function validateSeccompAnnotations(annotations: Annotations, field: string): readonly FieldError[] {
  const containers = Object.keys(annotations).filter((key) => key.startsWith(seccompContainerPrefix));
  const keys = [...(annotations[seccompPodKey] === undefined ? [] : [seccompPodKey]), ...containers];
  return keys.flatMap((key) => validateProfile(annotations[key] ?? "", `${field}.${key}`));
}

function validateProfile(profile: string, field: string): readonly FieldError[] {
  if ([...defaults, unconfined].includes(profile)) return [];
  if (profile.startsWith(localhost)) return descendingPath(profile.slice(localhost.length), field);
  return [invalid(field, profile, "must be a valid seccomp profile")];
}

/** Annotation and field of what is new must not contradict each other. */
export function validateSeccompMatch(
  annotations: Annotations = {},
  spec: PodSpec,
  field: string,
): readonly FieldError[] {
  const match = (key: string, profile: Profile | undefined, at: string) => {
    const annotation = annotations[key];
    if (annotation === undefined || profile === undefined) return [];
    return contradiction(annotation, profile, `${at}.securityContext.seccompProfile`);
  };
  return [
    ...match(seccompPodKey, spec.securityContext?.seccompProfile, field),
    ...(["initContainers", "containers", "ephemeralContainers"] as const).flatMap((sort) =>
      (spec[sort] ?? []).flatMap(({ name, securityContext }, index) =>
        match(seccompContainerPrefix + name, securityContext?.seccompProfile, `${field}.${sort}[${index}]`),
      ),
    ),
  ];
}

function contradiction(annotation: string, profile: Profile, field: string): readonly FieldError[] {
  const isSaid: Readonly<Record<string, boolean>> = {
    Unconfined: annotation === unconfined,
    RuntimeDefault: defaults.includes(annotation),
    Localhost: annotation.startsWith(localhost),
  };
  if (isSaid[profile.type] === false)
    return [forbidden(`${field}.type`, "seccomp type in annotation and field must match")];
  if (profile.type !== "Localhost" || annotation.slice(localhost.length) === profile.localhostProfile)
    return [];
  return [forbidden(`${field}.localhostProfile`, "seccomp profile in annotation and field must match")];
}
