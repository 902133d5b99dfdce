import { ownLowestPort } from "../../network/open-port.ts";

/** What does not hold where pods are plain processes, in one line. Pure.
 *  @param uid The agent's.
 *  @param lowestPort That it may listen on. */
export function lacksOf({ uid, lowestPort }: { readonly uid: number; readonly lowestPort: number }): string {
  const unanswered = [...(lowestPort > 53 ? ["cluster DNS"] : []), ...(lowestPort > 80 ? ["Ingress"] : [])];
  return [
    "they share this machine's files, processes and network, without limits, read-only mounts, an image's files or network policies",
    ...(uid === 0 ? [] : ["all run as this user"]),
    ...(lowestPort > 1 ? [`Services' ports below ${lowestPort} are answered 10000 higher`] : []),
    ...(unanswered.length === 0 ? [] : [`${unanswered.join(" and ")} not at all on the usual ports`]),
  ].join("; ");
}

/** As this process would run them. */
export const ownLacks = (): string => lacksOf({ uid: process.getuid?.() ?? 0, lowestPort: ownLowestPort() });
