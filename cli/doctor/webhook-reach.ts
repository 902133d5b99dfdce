import type { MutatingWebhookConfiguration, ValidatingWebhookConfiguration } from "../../client/types.ts";

type Hooks = ValidatingWebhookConfiguration | MutatingWebhookConfiguration;

/** The webhooks that everything waits for, their own pods included, should they not answer. Pure. */
export function blockingWebhooks(all: readonly Hooks[]): readonly string[] {
  return all.flatMap(({ webhooks = [] }) =>
    webhooks
      .filter(
        ({
          failurePolicy = "Fail",
          namespaceSelector,
          objectSelector,
          rules = [],
          clientConfig,
          matchConditions = [],
        }) =>
          failurePolicy === "Fail" &&
          clientConfig.service !== undefined &&
          isEmpty(namespaceSelector) &&
          isEmpty(objectSelector) &&
          matchConditions.length === 0 &&
          rules.some(
            ({ resources = [], operations = [], apiGroups = [] }) =>
              resources.some((one) => ["*", "*/*", "pods"].includes(one)) &&
              operations.some((one) => one === "*" || one === "CREATE") &&
              apiGroups.some((one) => one === "*" || one === ""),
          ),
      )
      .map(({ name }) => name),
  );
}

const isEmpty = (
  selector: { readonly matchLabels?: object; readonly matchExpressions?: readonly unknown[] } | undefined,
): boolean =>
  Object.keys(selector?.matchLabels ?? {}).length + (selector?.matchExpressions ?? []).length === 0;
