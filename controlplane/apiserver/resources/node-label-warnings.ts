import { labelValue } from "../../../client/rules/names.ts";
import type { LabelSelector } from "../../../client/types.ts";

/** Labels of nodes that got new names, or mean nothing any more. */
const deprecated: Readonly<Record<string, string>> = {
  "beta.kubernetes.io/arch": 'deprecated since v1.14; use "kubernetes.io/arch" instead',
  "beta.kubernetes.io/os": 'deprecated since v1.14; use "kubernetes.io/os" instead',
  "failure-domain.beta.kubernetes.io/region":
    'deprecated since v1.17; use "topology.kubernetes.io/region" instead',
  "failure-domain.beta.kubernetes.io/zone":
    'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
  "beta.kubernetes.io/instance-type":
    'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead',
  "app.kubernetes.io/created-by": "deprecated since v1.9",
  "scheduler.alpha.kubernetes.io/preferAvoidPods":
    "deprecated since v1.22; use Taints and Tolerations instead",
  "node-role.kubernetes.io/master": 'use "node-role.kubernetes.io/control-plane" instead',
};

interface Term {
  readonly matchExpressions?: readonly { readonly key: string; readonly values?: readonly string[] }[];
}

/** What there is to say of a label of nodes, if anything. */
export function nodeLabelWarning(key: string): string | undefined {
  return Object.hasOwn(deprecated, key) ? deprecated[key] : undefined;
}

/** `field[KEY]: …` for each deprecated key of a node selector. */
export function nodeSelectorWarnings(
  selector: Readonly<Record<string, string>> | undefined,
  field: string,
): readonly string[] {
  return keysWarnings(Object.keys(selector ?? {}), (key) => `${field}[${key}]`);
}

/** Of a term of node affinity. A value that no label can have is worth a word where the term is a mere preference. */
export function nodeTermWarnings(
  { matchExpressions = [] }: Term,
  field: string,
  { isPreference }: { readonly isPreference: boolean },
): readonly string[] {
  return matchExpressions.flatMap(({ key, values = [] }, index) => {
    const at = `${field}.matchExpressions[${index}]`;
    const wrong = isPreference
      ? values.flatMap((value, place) =>
          labelValue(value).map((text) => `${at}.values[${place}]: ${value} is invalid, ${text}`),
        )
      : [];
    return [...keyWarning(key, `${at}.key`), ...wrong];
  });
}

export function labelSelectorWarnings(selector: LabelSelector | undefined, field: string): readonly string[] {
  return [
    ...nodeTermWarnings(selector ?? {}, field, { isPreference: false }),
    ...keysWarnings(Object.keys(selector?.matchLabels ?? {}), (key) => `${field}.matchLabels.${key}`),
  ];
}

/** `field: KEY is …` */
export function keyWarning(key: string, field: string): readonly string[] {
  const text = nodeLabelWarning(key);
  return text === undefined ? [] : [`${field}: ${key} is ${text}`];
}

function keysWarnings(keys: readonly string[], fieldOf: (key: string) => string): readonly string[] {
  return keys.flatMap((key) => {
    const text = nodeLabelWarning(key);
    return text === undefined ? [] : [`${fieldOf(key)}: ${text}`];
  });
}
