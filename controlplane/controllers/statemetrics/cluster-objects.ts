import { resources } from "../../../client/resources.ts";
import type {
  CertificateSigningRequest,
  ConfigMap,
  Lease,
  MutatingWebhookConfiguration,
  Namespace,
  Resource,
  Secret,
  ServiceAccount,
  ValidatingWebhookConfiguration,
} from "../../../client/types.ts";
import { labelFamilies } from "./label-families.ts";
import {
  alpha,
  conditionSeries,
  count,
  created,
  createdHelp,
  deleted,
  deletedHelp,
  info,
  one,
  ownerSeries,
  ownersOf,
  type StateKind,
  stable,
  unixSeconds,
  versionSeries,
} from "./series.ts";

export const namespaceKind: StateKind<Namespace> = {
  resource: resources.namespaces,
  labels: ({ metadata }) => ({ namespace: metadata.name }),
  families: [
    stable("kube_namespace_created", createdHelp, created),
    ...labelFamilies<Namespace>("namespace", "namespaces"),
    stable("kube_namespace_status_phase", "kubernetes namespace status phase.", ({ status }) =>
      ["Active", "Terminating"].flatMap((phase) => one(status?.phase === phase ? 1 : 0, { phase })),
    ),
    alpha("kube_namespace_status_condition", "The condition of a namespace.", ({ status }) =>
      conditionSeries(status?.conditions),
    ),
  ],
};

export const configMapKind: StateKind<ConfigMap> = {
  resource: resources.configmaps,
  labels: ({ metadata }) => ({ namespace: metadata.namespace ?? "", configmap: metadata.name }),
  families: [
    ...labelFamilies<ConfigMap>("configmap", "configmaps"),
    stable("kube_configmap_info", "Information about configmap.", () => info()),
    stable("kube_configmap_created", createdHelp, created),
    alpha(
      "kube_configmap_metadata_resource_version",
      "Resource version representing a specific version of the configmap.",
      versionSeries,
    ),
  ],
};

export const secretKind: StateKind<Secret> = {
  resource: resources.secrets,
  labels: ({ metadata }) => ({ namespace: metadata.namespace ?? "", secret: metadata.name }),
  families: [
    stable("kube_secret_info", "Information about secret.", () => info()),
    stable("kube_secret_type", "Type about secret.", ({ type }) => info({ type: type ?? "" })),
    ...labelFamilies<Secret>("secret", "secrets"),
    stable("kube_secret_created", createdHelp, created),
    alpha(
      "kube_secret_metadata_resource_version",
      "Resource version representing a specific version of secret.",
      versionSeries,
    ),
    alpha("kube_secret_owner", "Information about the Secret's owner.", ownerSeries),
  ],
};

export const serviceAccountKind: StateKind<ServiceAccount> = {
  resource: resources.serviceaccounts,
  labels: ({ metadata }) => ({
    namespace: metadata.namespace ?? "",
    serviceaccount: metadata.name,
    uid: metadata.uid,
  }),
  families: [
    alpha(
      "kube_serviceaccount_info",
      "Information about a service account",
      ({ automountServiceAccountToken: token }) =>
        info({ automount_token: token === undefined ? "" : String(token) }),
    ),
    alpha("kube_serviceaccount_created", createdHelp, created),
    alpha("kube_serviceaccount_deleted", deletedHelp, deleted),
    alpha("kube_serviceaccount_secret", "Secret being referenced by a service account", ({ secrets }) =>
      (secrets ?? []).flatMap(({ name }) => info({ name: name ?? "" })),
    ),
    alpha(
      "kube_serviceaccount_image_pull_secret",
      "Secret being referenced by a service account for the purpose of pulling images",
      ({ imagePullSecrets }) => (imagePullSecrets ?? []).flatMap(({ name }) => info({ name: name ?? "" })),
    ),
    ...labelFamilies<ServiceAccount>("serviceaccount", "serviceaccounts", { labels: false }),
  ],
};

export const leaseKind: StateKind<Lease> = {
  resource: resources.leases,
  labels: ({ metadata }) => ({ lease: metadata.name }),
  families: [
    alpha("kube_lease_owner", "Information about the Lease's owner.", ({ metadata, spec }) =>
      ownersOf(metadata.ownerReferences).flatMap(({ kind, name }) =>
        info({
          owner_kind: kind,
          owner_name: name,
          namespace: metadata.namespace ?? "",
          lease_holder: spec?.holderIdentity ?? "",
        }),
      ),
    ),
    alpha("kube_lease_renew_time", "Kube lease renew time.", ({ metadata, spec }) =>
      one(unixSeconds(spec?.renewTime), { namespace: metadata.namespace ?? "" }),
    ),
  ],
};

export const certificateRequestKind: StateKind<CertificateSigningRequest> = {
  resource: resources.certificatesigningrequests,
  labels: ({ metadata, spec }) => ({
    certificatesigningrequest: metadata.name,
    signer_name: spec.signerName,
  }),
  families: [
    ...labelFamilies<CertificateSigningRequest>("certificatesigningrequest", "certificatesigningrequests"),
    stable("kube_certificatesigningrequest_created", createdHelp, created),
    stable(
      "kube_certificatesigningrequest_condition",
      "The number of each certificatesigningrequest condition",
      ({ status }) =>
        ["Approved", "Denied", "Failed"].flatMap((type) =>
          one((status?.conditions ?? []).filter((condition) => condition.type === type).length, {
            condition: type.toLowerCase(),
          }),
        ),
    ),
    stable("kube_certificatesigningrequest_cert_length", "Length of the issued cert", ({ status }) =>
      count(Buffer.from(status?.certificate ?? "", "base64").length),
    ),
  ],
};

const webhookKind = <T extends MutatingWebhookConfiguration | ValidatingWebhookConfiguration>(
  phase: "Mutating" | "Validating",
): StateKind<T> => {
  const name = `${phase.toLowerCase()}webhookconfiguration`;
  const resource: Resource<T> = {
    group: "admissionregistration.k8s.io",
    version: "v1",
    kind: `${phase}WebhookConfiguration`,
    plural: `${name}s`,
    namespaced: false,
  };
  return {
    resource,
    labels: ({ metadata }) => ({ namespace: metadata.namespace ?? "", [name]: metadata.name }),
    families: [
      alpha(`kube_${name}_info`, `Information about the ${phase}WebhookConfiguration.`, () => info()),
      alpha(`kube_${name}_created`, `${createdHelp}.`, created),
      alpha(
        `kube_${name}_metadata_resource_version`,
        `Resource version representing a specific version of the ${phase}WebhookConfiguration.`,
        versionSeries,
      ),
      alpha(
        `kube_${name}_webhook_clientconfig_service`,
        `Service used by the apiserver to connect to a ${phase.toLowerCase()} webhook.`,
        ({ webhooks }) =>
          (webhooks ?? []).flatMap(({ name: webhook, clientConfig: { service } }) =>
            info({
              webhook_name: webhook,
              service_name: service?.name ?? "",
              service_namespace: service?.namespace ?? "",
            }),
          ),
      ),
    ],
  };
};

export const mutatingWebhookKind = webhookKind<MutatingWebhookConfiguration>("Mutating");
export const validatingWebhookKind = webhookKind<ValidatingWebhookConfiguration>("Validating");
