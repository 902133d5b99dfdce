import type { Container, Pod } from "../../client/types.ts";
import type { AppArmorChoice, SeccompChoice, SeLinuxLabel } from "../runtime/seam.ts";
import { ConfigError } from "./environment.ts";

/** The container's word, else the pod's, else none; nothing filters what is privileged. Throws ConfigError. */
export function seccompChoiceOf(pod: Pod, { securityContext: own }: Container): SeccompChoice {
  const profile = own?.seccompProfile ?? pod.spec.securityContext?.seccompProfile;
  if (own?.privileged || profile === undefined || profile.type === "Unconfined")
    return { type: "Unconfined" };
  if (profile.type === "RuntimeDefault") return { type: "RuntimeDefault" };
  if (profile.type !== "Localhost")
    throw new ConfigError(`unknown seccompProfile type ${JSON.stringify(profile.type)}`);
  if (!profile.localhostProfile)
    throw new ConfigError("localhostProfile must be set if seccompProfile type is Localhost.");
  return { type: "Localhost", path: profile.localhostProfile };
}

const annotationPrefix = "container.apparmor.security.beta.kubernetes.io/";

/** The container's word, else that of the old annotation, else the pod's, else none. Throws ConfigError. */
export function appArmorChoiceOf(pod: Pod, { name, securityContext: own }: Container): AppArmorChoice {
  const annotated = pod.metadata.annotations?.[`${annotationPrefix}${name}`];
  const profile =
    own?.appArmorProfile ??
    (annotated === undefined ? undefined : annotatedProfile(annotated)) ??
    pod.spec.securityContext?.appArmorProfile;
  if (profile === undefined || profile.type === "Unconfined") return { type: "Unconfined" };
  if (profile.type === "RuntimeDefault") return { type: "RuntimeDefault" };
  if (profile.type !== "Localhost")
    throw new ConfigError(`unknown apparmor profile type: ${JSON.stringify(profile.type)}`);
  if (!profile.localhostProfile) throw new ConfigError("missing localhost apparmor profile name");
  return { type: "Localhost", profile: profile.localhostProfile };
}

/** Undefined for what the annotation may not say. */
function annotatedProfile(text: string): { type: string; localhostProfile?: string } | undefined {
  if (text === "runtime/default") return { type: "RuntimeDefault" };
  if (text === "unconfined") return { type: "Unconfined" };
  if (text.startsWith("localhost/"))
    return { type: "Localhost", localhostProfile: text.slice("localhost/".length) };
  return undefined;
}

/** The container's word, else the pod's; undefined for none. `own` is a container's, or absent for the pod itself. */
export function seLinuxLabelOf({ spec }: Pod, own?: Container["securityContext"]): SeLinuxLabel | undefined {
  const asked = own?.seLinuxOptions ?? spec.securityContext?.seLinuxOptions;
  const { user = "", role = "", type = "", level = "" } = asked ?? {};
  return user || role || type || level ? { user, role, type, level } : undefined;
}

/** Fields by which a pod asks for labels of SELinux. */
export function seLinuxFields({ spec }: Pod): readonly string[] {
  const asks = (at: string, options: object | undefined) =>
    options !== undefined && Object.values(options).some(Boolean)
      ? [`${at}.securityContext.seLinuxOptions`]
      : [];
  return [
    ...asks("spec", spec.securityContext?.seLinuxOptions),
    ...(["initContainers", "containers"] as const).flatMap((sort) =>
      (spec[sort] ?? []).flatMap(({ securityContext }, index) =>
        asks(`spec.${sort}[${index}]`, securityContext?.seLinuxOptions),
      ),
    ),
  ];
}

/** Whether anything in the pod asks for AppArmor, even where a container then does without. */
export function wantsAppArmor({ spec, metadata }: Pod): boolean {
  const { containers, initContainers = [], ephemeralContainers = [] } = spec;
  const contexts = [...containers, ...initContainers, ...ephemeralContainers].map(
    (one) => one.securityContext,
  );
  const asked = [spec.securityContext, ...contexts].flatMap((one) => one?.appArmorProfile?.type ?? []);
  const annotated = Object.entries(metadata.annotations ?? {}).flatMap(([key, value]) =>
    key.startsWith(annotationPrefix) ? [value] : [],
  );
  return asked.some((type) => type !== "Unconfined") || annotated.some((value) => value !== "unconfined");
}
