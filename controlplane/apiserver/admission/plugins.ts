import type { Authorizer } from "../filters/authorizer.ts";
import { type Admission, inOrder } from "./admission.ts";
import { claimResize } from "./claim-resize.ts";
import { defaultIngressClass, defaultStorageClass } from "./default-classes.ts";
import { defaultTolerationSeconds } from "./default-toleration-seconds.ts";
import { limitRanger } from "./limit-ranger.ts";
import { namespaceLifecycle } from "./namespace-lifecycle.ts";
import { nodeRestriction } from "./node-restriction.ts";
import { nodeTokenRestriction } from "./node-token-restriction.ts";
import { priority } from "./priority.ts";
import { runtimeClass } from "./runtime-class.ts";
import { type ServiceAccountDeps, serviceAccount } from "./service-account.ts";
import { storageProtection } from "./storage-protection.ts";
import { storedObject } from "./stored-lookup.ts";

export type AdmissionDeps = ServiceAccountDeps & { readonly authorizer: Authorizer };

/** In Kubernetes' order, under Kubernetes' names. */
const plugins = {
  NamespaceLifecycle: namespaceLifecycle,
  LimitRanger: limitRanger,
  ServiceAccount: serviceAccount,
  NodeRestriction: (deps: AdmissionDeps) =>
    inOrder(
      nodeRestriction(async (name) => {
        const node = await storedObject(deps, { group: "", plural: "nodes", namespace: "", name });
        return node?.metadata.uid;
      }),
      nodeTokenRestriction(deps),
    ),
  Priority: priority,
  DefaultTolerationSeconds: () => defaultTolerationSeconds,
  DefaultStorageClass: defaultStorageClass,
  StorageObjectInUseProtection: () => storageProtection,
  RuntimeClass: runtimeClass,
  DefaultIngressClass: defaultIngressClass,
  PersistentVolumeClaimResize: claimResize,
} as const satisfies Record<string, (deps: AdmissionDeps) => Admission>;

export const admissionPluginNames: readonly string[] = Object.keys(plugins);

/** All plugins but those named. */
export function admissionChain(deps: AdmissionDeps, disabled: readonly string[]): Admission {
  const enabled = Object.entries(plugins).filter(([name]) => !disabled.includes(name));
  return inOrder(...enabled.map(([, make]) => make(deps)));
}
