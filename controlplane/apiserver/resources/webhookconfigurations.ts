import { dns1123Subdomain } from "../../../client/rules/names.ts";
import type {
  MutatingWebhook,
  MutatingWebhookConfiguration,
  ValidatingWebhook,
  ValidatingWebhookConfiguration,
} from "../../../client/types.ts";
import type { Kind } from "../registry/kind.ts";
import { age, ageColumn, column } from "./cell-text.ts";
import { staticNameWarnings } from "./static-name-warnings.ts";
import { kindOf } from "./typed-kind.ts";
import { validateWebhooks } from "./webhook-validation.ts";

/** Who is asked about writes before they are stored. The API server acts on them: see ../webhooks. */

const common = {
  group: "admissionregistration.k8s.io",
  version: "v1",
  shortNames: [],
  categories: ["api-extensions"],
  namespaced: false,
  hasSpec: false,
  subresources: {},
  hasGeneration: true,
  needsVersion: true,
  alsoCounted: ({ webhooks }) => webhooks ?? [],
  columns: [
    column(
      "Webhooks",
      "integer",
      "Webhooks indicates the number of webhooks registered in this configuration",
    ),
    ageColumn,
  ],
  nameRule: dns1123Subdomain,
  warnings: staticNameWarnings,
} as const satisfies Partial<Kind> & { readonly hasSpec: false; readonly nameRule: unknown };

export const mutatingWebhookConfigurations = kindOf<MutatingWebhookConfiguration>({
  ...common,
  kind: "MutatingWebhookConfiguration",
  plural: "mutatingwebhookconfigurations",
  singular: "mutatingwebhookconfiguration",
  applyDefaults({ webhooks = [] }) {
    for (const webhook of webhooks) {
      setDefaults(webhook);
      webhook.reinvocationPolicy ??= "Never";
    }
  },
  validate: ({ webhooks = [] }, _facts, current) =>
    validateWebhooks(webhooks, current && (current.webhooks ?? [])),
  cells: ({ metadata, webhooks = [] }, nowMs) => [webhooks.length, age(metadata.creationTimestamp, nowMs)],
});

export const validatingWebhookConfigurations = kindOf<ValidatingWebhookConfiguration>({
  ...common,
  kind: "ValidatingWebhookConfiguration",
  plural: "validatingwebhookconfigurations",
  singular: "validatingwebhookconfiguration",
  applyDefaults({ webhooks = [] }) {
    for (const webhook of webhooks) setDefaults(webhook);
  },
  validate: ({ webhooks = [] }, _facts, current) =>
    validateWebhooks(webhooks, current && (current.webhooks ?? [])),
  cells: ({ metadata, webhooks = [] }, nowMs) => [webhooks.length, age(metadata.creationTimestamp, nowMs)],
});

const defaultTimeoutSeconds = 10;

function setDefaults(webhook: MutatingWebhook | ValidatingWebhook): void {
  webhook.failurePolicy ??= "Fail";
  webhook.matchPolicy ??= "Equivalent";
  webhook.namespaceSelector ??= {};
  webhook.objectSelector ??= {};
  webhook.timeoutSeconds ??= defaultTimeoutSeconds;
  for (const rule of webhook.rules ?? []) rule.scope ??= "*";
  const { service } = webhook.clientConfig ?? {};
  if (service !== undefined) service.port ??= 443;
}
