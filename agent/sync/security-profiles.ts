import type { Container, Pod } from "../../client/types.ts";
import type { SeccompChoice } from "../runtime/seam.ts";
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
