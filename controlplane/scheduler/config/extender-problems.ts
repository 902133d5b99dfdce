import type { ExtenderSpec } from "../extenders/extender.ts";
import { isExtendedResource } from "../plugins/resource-names.ts";
import { invalid, required } from "./problems.ts";

/** What is wrong with the extenders of a configuration. Pure. */
export function extendersProblems(
  extenders: readonly Pick<
    ExtenderSpec,
    "urlPrefix" | "prioritizeVerb" | "weight" | "bindVerb" | "managedResources" | "enableHTTPS"
  >[],
): readonly string[] {
  const managed = extenders.flatMap(({ managedResources = [] }, index) =>
    managedResources.map(({ name }, at) => ({
      name,
      path: `extenders[${index}].managedResources[${at}].name`,
    })),
  );
  const binders = extenders.filter(({ bindVerb }) => bindVerb).length;
  return [
    ...extenders.flatMap(({ urlPrefix, prioritizeVerb, weight = 0, enableHTTPS }, index) => {
      const path = `extenders[${index}]`;
      return [
        ...(urlPrefix ? [] : [required(`${path}.urlPrefix`)]),
        ...(enableHTTPS && urlPrefix?.startsWith("http:")
          ? [invalid(`${path}.urlPrefix`, urlPrefix, "must begin with https: where enableHTTPS is set")]
          : []),
        ...(prioritizeVerb && weight <= 0
          ? [invalid(`${path}.weight`, weight, "must have a positive weight applied to it")]
          : []),
      ];
    }),
    ...managed.flatMap(({ name, path }, at) => [
      ...(isExtendedResource(name) ? [] : [invalid(path, name, "is an invalid extended resource name")]),
      ...(managed.findIndex((other) => other.name === name) < at
        ? [invalid(path, name, "duplicate extender managed resource name")]
        : []),
    ]),
    ...(binders > 1
      ? [
          invalid(
            "extenders",
            `found ${binders} extenders implementing bind`,
            "only one extender can implement bind",
          ),
        ]
      : []),
  ];
}
