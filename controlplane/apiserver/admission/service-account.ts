import { type Clock, sleep } from "../../../base/os/clock.ts";
import type { Random } from "../../../base/os/random.ts";
import { podReferences } from "../../../client/rules/pod-references.ts";
import type { Pod, ServiceAccount } from "../../../client/types.ts";
import { forbidden } from "../api-error.ts";
import { generatedName } from "../registry/object-meta.ts";
import type { Admission } from "./admission.ts";
import { secretRefusal } from "./mountable-secrets.ts";
import { isMirrorPod, newPod } from "./new-pod.ts";
import { type LookupDeps, storedObject } from "./stored-lookup.ts";
import { addTokenVolume, tokenVolumePrefix, wantsToken } from "./token-volume.ts";

/** How long a pod waits for the account `default` of a namespace made a moment ago. */
const defaultAccountWait = { attempts: 10, pauseMs: 150 } as const;

export interface ServiceAccountDeps extends LookupDeps {
  readonly clock: Clock;
  readonly random: Random;
  /** Whether there are tokens to be had for accounts. */
  readonly issuesTokens: boolean;
}

/** Kubernetes' ServiceAccount: a pod runs as `default` unless it names another account, and the account must be there. Its
 *  image pull secrets are the pod's where the pod names none; a volume with its token is added unless pod or account do not
 *  want it. */
export function serviceAccount(deps: ServiceAccountDeps): Admission {
  return async (attributes) => {
    const pod = newPod(attributes);
    if (pod === undefined) return;
    const refuse = (why: string) => forbidden(attributes.kind, pod.metadata.name, why);
    if (isMirrorPod(pod)) {
      const why = mirrorRefusal(pod);
      if (why !== undefined) throw refuse(why);
      return;
    }
    const { spec } = pod;
    spec.serviceAccountName ||= "default";
    spec.serviceAccount = spec.serviceAccountName;
    const account = await accountOf(deps, pod, spec.serviceAccountName);
    const { namespace = "" } = pod.metadata;
    if (account === undefined)
      throw refuse(
        `error looking up service account ${namespace}/${spec.serviceAccountName}: serviceaccount ${JSON.stringify(spec.serviceAccountName)} not found`,
      );
    if (deps.issuesTokens && wantsToken(pod, account))
      addTokenVolume(pod, generatedName(tokenVolumePrefix, deps.random));
    if ((spec.imagePullSecrets ?? []).length === 0 && account.imagePullSecrets !== undefined)
      spec.imagePullSecrets = account.imagePullSecrets.map(({ name: secret }) => ({ name: secret ?? "" }));
    const why = secretRefusal(pod, account);
    if (why !== undefined) throw refuse(why);
  };
}

/** A node's own file gives nobody an account, nor what belongs to one. */
function mirrorRefusal({ spec, metadata }: Pod): string | undefined {
  if (spec.serviceAccountName) return "a mirror pod may not reference service accounts";
  if (podReferences(spec, metadata.name).secrets.size > 0) return "a mirror pod may not reference secrets";
  const hasToken = (spec.volumes ?? []).some(({ projected }) =>
    projected?.sources?.some(({ serviceAccountToken }) => serviceAccountToken !== undefined),
  );
  return hasToken ? "a mirror pod may not use ServiceAccountToken volume projections" : undefined;
}

async function accountOf(
  deps: LookupDeps & { readonly clock: Clock },
  { metadata }: Pod,
  name: string,
): Promise<ServiceAccount | undefined> {
  const address = { group: "", plural: "serviceaccounts", namespace: metadata.namespace ?? "", name };
  const attempts = name === "default" ? defaultAccountWait.attempts : 1;
  for (let attempt = 1; ; attempt++) {
    const found = await storedObject(deps, address);
    if (found !== undefined) return found as ServiceAccount;
    if (attempt >= attempts) return undefined;
    await sleep(deps.clock, defaultAccountWait.pauseMs);
  }
}
