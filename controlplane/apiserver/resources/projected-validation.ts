import type { Volume } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { GoForm } from "../schema/go-form.ts";
import { forbidden, invalid, required, selectorShown } from "./field-errors.ts";
import { validateLabelSelector } from "./labels.ts";
import { validateDownwardItem, validateItems, validateMode } from "./payload-validation.ts";
import { payloadPath } from "./relative-path.ts";
import { signerNameProblems } from "./signer-names.ts";
import { signerNameIn, trustBundleName } from "./trust-bundle-names.ts";

type Projected = NonNullable<Volume["projected"]>;
type Source = NonNullable<Projected["sources"]>[number];

const shortestTokenSeconds = 600;
const longestTokenSeconds = 2 ** 32;

/** A volume made of several sources, whose files must not have the same path. Sources of features that are off never get
 *  here (`disabled-fields.ts`). */
export function validateProjected(projected: Projected, field: string): readonly FieldError[] {
  const taken = new Set<string>();
  const takes = (path: string | undefined, shown: string | undefined): readonly FieldError[] => {
    if (!path) return [];
    if (taken.has(path)) return [invalid(field, shown ?? "", "conflicting duplicate paths")];
    taken.add(path);
    return [];
  };
  return [
    ...validateMode(projected.defaultMode, `${field}.defaultMode`),
    ...(projected.sources ?? []).flatMap((source, index) => {
      const at = `${field}.sources[${index}]`;
      return [
        ...validateSource(source, at, field),
        ...(source.secret?.items ?? []).flatMap(({ path }) => takes(path, source.secret?.name)),
        ...(source.configMap?.items ?? []).flatMap(({ path }) => takes(path, source.configMap?.name)),
        ...(source.downwardAPI?.items ?? []).flatMap(({ path }) => takes(path, path)),
        ...takes(source.clusterTrustBundle?.path, source.clusterTrustBundle?.path),
      ];
    }),
  ];
}

function validateSource(source: Source, field: string, volume: string): readonly FieldError[] {
  const problems: FieldError[] = [];
  for (const kind of ["secret", "configMap"] as const) {
    const ref = source[kind];
    if (ref === undefined) continue;
    if (!ref.name) problems.push(required(`${field}.${kind}.name`));
    problems.push(...validateItems(ref.items, `${field}.${kind}.items`));
  }
  for (const item of source.downwardAPI?.items ?? [])
    problems.push(...validateDownwardItem(item, `${field}.downwardAPI`));
  if (source.serviceAccountToken !== undefined)
    problems.push(...validateToken(source.serviceAccountToken, `${field}.serviceAccountToken`, volume));
  if (source.clusterTrustBundle !== undefined)
    problems.push(...validateTrustBundles(source.clusterTrustBundle, `${field}.clusterTrustBundle`));
  if (Object.values(source).filter((one) => one !== undefined).length > 1)
    problems.push(forbidden(field, "may not specify more than 1 volume type per source"));
  return problems;
}

function validateTrustBundles(
  projection: NonNullable<Source["clusterTrustBundle"]>,
  field: string,
): readonly FieldError[] {
  const { path } = projection;
  return [
    ...chosenBundles(projection, field),
    ...(path === "" ? [required(`${field}.path`)] : []),
    ...payloadPath(path, `${field}.path`),
  ];
}

const projectionShown = (projection: object) => new GoForm("*core.ClusterTrustBundleProjection", projection);

function chosenBundles(
  projection: NonNullable<Source["clusterTrustBundle"]>,
  field: string,
): readonly FieldError[] {
  const { name, signerName, labelSelector } = projection;
  if (name !== undefined && signerName !== undefined)
    return [invalid(field, projectionShown(projection), "only one of name and signerName may be used")];
  if (name !== undefined)
    return [
      ...(name === "" ? [required(`${field}.name`, "must be a valid object name")] : []),
      ...trustBundleName(signerNameIn(name))(name).map((why) =>
        invalid(`${field}.name`, name, `not a valid clustertrustbundlename: ${why}`),
      ),
      ...(labelSelector === undefined
        ? []
        : [
            invalid(
              `${field}.labelSelector`,
              selectorShown(labelSelector),
              "labelSelector must be unset if name is specified",
            ),
          ]),
    ];
  if (signerName !== undefined)
    return [
      ...(signerName === "" ? [required(`${field}.signerName`, "must be a valid signer name")] : []),
      ...signerNameProblems(signerName, `${field}.signerName`),
      ...(labelSelector === undefined ? [] : validateLabelSelector(labelSelector, `${field}.labelSelector`)),
    ];
  return [required(field, "either name or signerName must be specified")];
}

/** Of a token's path Kubernetes names the volume, not the source. */
function validateToken(
  { expirationSeconds = 3600, path = "" }: NonNullable<Source["serviceAccountToken"]>,
  field: string,
  volume: string,
): readonly FieldError[] {
  const problems: FieldError[] = [];
  const at = `${field}.expirationSeconds`;
  if (expirationSeconds < shortestTokenSeconds)
    problems.push(invalid(at, expirationSeconds, "may not specify a duration less than 10 minutes"));
  if (expirationSeconds > longestTokenSeconds)
    problems.push(invalid(at, expirationSeconds, "may not specify a duration larger than 2^32 seconds"));
  if (path === "") return [...problems, required(`${volume}.path`)];
  return [...problems, ...payloadPath(path, `${volume}.path`)];
}
