import { type Clock, sleep } from "../../../base/os/clock.ts";
import type { Pod, ServiceAccount } from "../../../client/types.ts";
import { forbidden } from "../api-error.ts";
import type { Admission } from "./admission.ts";
import { isMirrorPod, newPod } from "./new-pod.ts";
import { type LookupDeps, storedObject } from "./stored-lookup.ts";

/** How long a pod waits for the account `default` of a namespace made a moment ago. */
const defaultAccountWait = { attempts: 10, pauseMs: 150 } as const;

/** Kubernetes' ServiceAccount, without the token volume: a pod runs as `default` unless it names another account, and the
 *  account must be there. Its image pull secrets are the pod's where the pod names none. */
export function serviceAccount(deps: LookupDeps & { readonly clock: Clock }): Admission {
  return async (attributes) => {
    const pod = newPod(attributes);
    if (pod === undefined || isMirrorPod(pod)) return;
    const { spec } = pod;
    spec.serviceAccountName ||= "default";
    spec.serviceAccount = spec.serviceAccountName;
    const account = await accountOf(deps, pod, spec.serviceAccountName);
    const { namespace = "", name } = pod.metadata;
    if (account === undefined)
      throw forbidden(
        attributes.kind,
        name,
        `error looking up service account ${namespace}/${spec.serviceAccountName}: serviceaccount ${JSON.stringify(spec.serviceAccountName)} not found`,
      );
    if ((spec.imagePullSecrets ?? []).length === 0 && account.imagePullSecrets !== undefined)
      spec.imagePullSecrets = account.imagePullSecrets.map(({ name: secret }) => ({ name: secret ?? "" }));
  };
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
