import { nodeIdentity } from "../filters/service-account-user.ts";
import { type MutatingPolicyDeps, mutatingPolicies } from "../policies/mutating-policies.ts";
import {
  compileMutating,
  compileValidating,
  type PolicyBase,
  type PolicySource,
} from "../policies/policy.ts";
import { type FollowedPolicies, followPolicies } from "../policies/policy-index.ts";
import { type ValidatingPolicyDeps, validatingPolicies } from "../policies/validating-policies.ts";
import type { Kind } from "../registry/kind.ts";
import {
  mutatingAdmissionPolicies,
  mutatingAdmissionPolicyBindings,
} from "../resources/mutatingadmissionpolicies.ts";
import {
  validatingAdmissionPolicies,
  validatingAdmissionPolicyBindings,
} from "../resources/validatingadmissionpolicies.ts";
import {
  mutatingWebhookConfigurations,
  validatingWebhookConfigurations,
} from "../resources/webhookconfigurations.ts";
import { Hooks, type HooksDeps } from "../webhooks/hooks.ts";
import { type MutatingDeps, mutatingWebhooks } from "../webhooks/mutating.ts";
import { validatingWebhooks } from "../webhooks/validating.ts";
import { inOrder, type Plugin, where } from "./admission.ts";
import { certificateApproval, certificateSigning, certificateSubjectRestriction } from "./certificates.ts";
import { claimResize } from "./claim-resize.ts";
import { defaultIngressClass, defaultStorageClass } from "./default-classes.ts";
import { defaultTolerationSeconds } from "./default-toleration-seconds.ts";
import { limitRanger } from "./limit-ranger.ts";
import { namespaceLifecycle } from "./namespace-lifecycle.ts";
import { type NodeFacts, nodeRestriction } from "./node-restriction.ts";
import { nodeTokenRestriction } from "./node-token-restriction.ts";
import { type PluginName, pluginNames } from "./plugin-names.ts";
import { type PodSecurityDeps, podSecurity } from "./pod-security/pod-security.ts";
import { priority } from "./priority.ts";
import { runtimeClass } from "./runtime-class.ts";
import { type ServiceAccountDeps, serviceAccount } from "./service-account.ts";
import { storageProtection } from "./storage-protection.ts";
import { storedObject } from "./stored-lookup.ts";
import { taintNewNodes } from "./taint-new-nodes.ts";
import { type TimedDeps, timedPlugin } from "./timed.ts";
import { trustBundleAttest } from "./trust-bundle-attest.ts";

export type AdmissionDeps = ServiceAccountDeps &
  PodSecurityDeps &
  MutatingDeps &
  HooksDeps &
  ValidatingPolicyDeps &
  MutatingPolicyDeps;

/** A plugin of policies that are followed as they are stored. */
function policyPlugin<S extends PolicySource, P extends PolicyBase>(
  make: (deps: AdmissionDeps, followed: FollowedPolicies<S, P>) => Plugin,
  compile: (policy: S) => P,
  stored: { readonly policies: Kind; readonly bindings: Kind },
): (deps: AdmissionDeps) => Plugin {
  return (deps) => make(deps, followPolicies(deps.hub, stored, compile));
}

const plugins: Readonly<Record<PluginName, (deps: AdmissionDeps) => Plugin>> = {
  NamespaceLifecycle: namespaceLifecycle,
  LimitRanger: limitRanger,
  ServiceAccount: serviceAccount,
  NodeRestriction: (deps: AdmissionDeps) => {
    const both = inOrder(
      { mutate: nodeRestriction(nodeFacts(deps)) },
      { mutate: nodeTokenRestriction(deps) },
    );
    return { ...both, mutate: where(({ by }) => nodeIdentity(by.user) !== undefined, both.mutate) };
  },
  TaintNodesByCondition: () => taintNewNodes,
  PodSecurity: podSecurity,
  Priority: priority,
  DefaultTolerationSeconds: () => defaultTolerationSeconds,
  DefaultStorageClass: defaultStorageClass,
  StorageObjectInUseProtection: () => storageProtection,
  RuntimeClass: runtimeClass,
  CertificateApproval: certificateApproval,
  CertificateSigning: certificateSigning,
  ClusterTrustBundleAttest: trustBundleAttest,
  CertificateSubjectRestriction: () => certificateSubjectRestriction,
  DefaultIngressClass: defaultIngressClass,
  PersistentVolumeClaimResize: claimResize,
  MutatingAdmissionPolicy: policyPlugin(mutatingPolicies, compileMutating, {
    policies: mutatingAdmissionPolicies,
    bindings: mutatingAdmissionPolicyBindings,
  }),
  MutatingAdmissionWebhook: (deps: AdmissionDeps) =>
    mutatingWebhooks(deps, new Hooks(deps, mutatingWebhookConfigurations)),
  ValidatingAdmissionPolicy: policyPlugin(validatingPolicies, compileValidating, {
    policies: validatingAdmissionPolicies,
    bindings: validatingAdmissionPolicyBindings,
  }),
  ValidatingAdmissionWebhook: (deps: AdmissionDeps) =>
    validatingWebhooks(deps, new Hooks(deps, validatingWebhookConfigurations)),
};

/** All plugins but those named, in their order. */
export function admissionPlugins(
  deps: AdmissionDeps & TimedDeps,
  disabled: readonly string[],
): readonly Plugin[] {
  const enabled = pluginNames.filter((name) => !disabled.includes(name));
  return enabled.map((name) => timedPlugin(deps, name, plugins[name](deps)));
}

function nodeFacts(deps: AdmissionDeps): NodeFacts {
  const stored = (plural: string, namespace: string, name: string) =>
    storedObject(deps, { group: "", plural, namespace, name });
  return {
    nodeUid: async (name) => (await stored("nodes", "", name))?.metadata.uid,
    pod: (namespace, name) => stored("pods", namespace, name),
  };
}
