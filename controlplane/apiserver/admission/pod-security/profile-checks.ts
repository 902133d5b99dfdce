import type { Container } from "../../../../client/types.ts";
import {
  allContainers,
  type Check,
  type CheckedPod,
  containersText,
  namesWhere,
  plural,
  quoted,
  settersText,
  sortedSet,
} from "./check.ts";

/** AppArmor and seccomp: profiles that a pod or its containers may not choose, or must. */

const appArmorPrefix = "container.apparmor.security.beta.kubernetes.io/";
const seccompPod = "seccomp.security.alpha.kubernetes.io/pod";
const seccompPrefix = "container.seccomp.security.alpha.kubernetes.io/";

/** As Go's %q shows it. */
const annotationText = (name: string, value: string) => `${name}=${JSON.stringify(value)}`;

export const appArmorProfile: Check = ({ spec, annotations }) => {
  const isBad = (type: string | undefined) => type !== "RuntimeDefault" && type !== "Localhost";
  const ofPod = spec.securityContext?.appArmorProfile;
  const podIsBad = ofPod !== undefined && isBad(ofPod.type);
  const profile = ({ securityContext }: Container) => securityContext?.appArmorProfile;
  const bad = namesWhere(spec, (container) => {
    const own = profile(container);
    return own !== undefined && isBad(own.type);
  });
  const types = [ofPod, ...allContainers(spec).map(profile)].flatMap((one) =>
    one !== undefined && isBad(one.type) ? [one.type ?? ""] : [],
  );
  const noted = Object.entries(annotations)
    .filter(([name, value]) => name.startsWith(appArmorPrefix) && !isAllowedAppArmor(value))
    .map(([name, value]) => annotationText(name, value));
  const setters = settersText(podIsBad, bad);
  const who = [
    ...(setters === "" ? [] : [setters]),
    ...(noted.length > 0 ? [plural("annotation", noted.length)] : []),
  ];
  if (who.length === 0) return undefined;
  const values = [...sortedSet(types), ...sortedSet(noted)];
  return {
    reason: plural("forbidden AppArmor profile", values.length),
    detail: `${who.join(" and ")} must not set AppArmor profile type to ${quoted(values)}`,
  };
};

const isAllowedAppArmor = (value: string) =>
  value === "" || value === "runtime/default" || value.startsWith("localhost/");

/** How seccomp was asked for before 1.19. */
export const seccompAnnotations: Check = ({ spec, annotations }) => {
  const names = [seccompPod, ...allContainers(spec).map(({ name }) => seccompPrefix + name)];
  const bad = sortedSet(
    names.flatMap((name) => {
      const value = annotations[name];
      return value === undefined || isAllowedSeccomp(value) ? [] : [annotationText(name, value)];
    }),
  );
  if (bad.length === 0) return undefined;
  return {
    reason: "seccompProfile",
    detail: `forbidden ${plural("annotation", bad.length)} ${bad.join(", ")}`,
  };
};

const isAllowedSeccomp = (value: string) =>
  value === "runtime/default" || value === "docker/default" || value.startsWith("localhost/");

const isGoodSeccomp = (type: string | undefined) => type === "Localhost" || type === "RuntimeDefault";
const seccompOf = ({ securityContext }: Container) => securityContext?.seccompProfile;

export const seccompFields: Check = ({ spec }: CheckedPod) => {
  const ofPod = spec.securityContext?.seccompProfile;
  const podIsBad = ofPod !== undefined && !isGoodSeccomp(ofPod.type);
  const bad = namesWhere(spec, (container) => {
    const own = seccompOf(container);
    return own !== undefined && !isGoodSeccomp(own.type);
  });
  if (!podIsBad && bad.length === 0) return undefined;
  const types = sortedSet(
    [ofPod, ...allContainers(spec).map(seccompOf)].flatMap((one) =>
      one !== undefined && !isGoodSeccomp(one.type) ? [one.type ?? ""] : [],
    ),
  );
  const who = settersText(podIsBad, bad);
  return {
    reason: "seccompProfile",
    detail: `${who} must not set securityContext.seccompProfile.type to ${quoted(types)}`,
  };
};

/** The same, and there must be one. */
export const seccompRequired: Check = (pod) => {
  const { spec } = pod;
  const forbidden = seccompFields(pod);
  if (forbidden !== undefined) return forbidden;
  if (spec.securityContext?.seccompProfile !== undefined) return undefined;
  const without = namesWhere(spec, (container) => seccompOf(container) === undefined);
  if (without.length === 0) return undefined;
  return {
    reason: "seccompProfile",
    detail: `pod or ${containersText(without)} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"`,
  };
};
