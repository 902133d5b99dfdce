import { type Clock, sleep } from "../../../base/os/clock.ts";
import type { Random } from "../../../base/os/random.ts";
import { podReferences } from "../../../client/rules/pod-references.ts";
import { isMirrorPod } from "../../../client/rules/static-pods.ts";
import type { Pod, ServiceAccount } from "../../../client/types.ts";
import { generatedName } from "../registry/object-meta.ts";
import { type Attributes, type Plugin, refusal, where } from "./admission.ts";
import { secretRefusal } from "./mountable-secrets.ts";
import { newPod } from "./new-pod.ts";
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
export function serviceAccount(deps: ServiceAccountDeps): Plugin {
  const concerns = (attributes: Attributes) => newPod(attributes) !== undefined;
  const check = (attributes: Attributes) => checkAccount(deps, attributes);
  return {
    mutate: where(concerns, async (attributes) => {
      const pod = newPod(attributes);
      if (pod === undefined) return;
      if (!isMirrorPod(pod)) await giveAccount(deps, pod, attributes);
      await check(attributes);
    }),
    validate: where(concerns, check),
  };
}

async function giveAccount(deps: ServiceAccountDeps, pod: Pod, attributes: Attributes): Promise<void> {
  const { spec } = pod;
  spec.serviceAccountName ||= "default";
  spec.serviceAccount = spec.serviceAccountName;
  const account = await requireAccount(deps, pod, attributes);
  if (deps.issuesTokens && wantsToken(pod, account))
    addTokenVolume(pod, generatedName(tokenVolumePrefix, deps.random));
  if ((spec.imagePullSecrets ?? []).length === 0 && account.imagePullSecrets !== undefined)
    spec.imagePullSecrets = account.imagePullSecrets.map(({ name: secret }) => ({ name: secret ?? "" }));
}

/** What still must hold once others have changed the pod. */
async function checkAccount(deps: ServiceAccountDeps, attributes: Attributes): Promise<void> {
  const pod = newPod(attributes);
  if (pod === undefined) return;
  const why = isMirrorPod(pod)
    ? mirrorRefusal(pod)
    : secretRefusal(pod, await requireAccount(deps, pod, attributes));
  if (why !== undefined) throw refusal(attributes, why);
}

async function requireAccount(
  deps: ServiceAccountDeps,
  pod: Pod,
  attributes: Attributes,
): Promise<ServiceAccount> {
  const { namespace = "", name } = pod.metadata;
  const { serviceAccountName = "" } = pod.spec;
  if (serviceAccountName === "")
    throw refusal(attributes, `no service account specified for pod ${namespace}/${name}`);
  const account = await accountOf(deps, pod, serviceAccountName);
  if (account !== undefined) return account;
  throw refusal(
    attributes,
    `error looking up service account ${namespace}/${serviceAccountName}: serviceaccount ${JSON.stringify(serviceAccountName)} not found`,
  );
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
