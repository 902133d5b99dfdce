import type { FieldError } from "../registry/kind.ts";
import { forbidden, invalid, notSupported, required } from "../resources/field-errors.ts";
import {
  type ClientConfig,
  clientConfigProblems,
  reviewVersionProblems,
  reviewVersions,
} from "../resources/webhook-client.ts";
import type { DefinitionSpec } from "./definition.ts";

/** What of a definition's conversion breaks Kubernetes' rules. Pure. */

interface Webhook {
  readonly clientConfig?: ClientConfig;
  readonly conversionReviewVersions?: readonly string[];
}

type Conversion = NonNullable<DefinitionSpec["conversion"]>;

const webhookOf = ({ webhook }: Conversion): Webhook => (webhook ?? {}) as Webhook;

/** Kubernetes' paths are those of its internal form. @param old What is stored. */
export function conversionProblems(
  conversion: Conversion | undefined,
  path: string,
  { old, established }: { readonly old?: Conversion; readonly established: boolean },
): readonly FieldError[] {
  if (conversion === undefined) return [];
  const { strategy } = conversion;
  const { clientConfig, conversionReviewVersions = [] } = webhookOf(conversion);
  const problems: FieldError[] = [];
  if (strategy === "") problems.push(required(`${path}.strategy`));
  else if (strategy !== "None" && strategy !== "Webhook")
    problems.push(notSupported(`${path}.strategy`, strategy, ["None", "Webhook"]));
  const configPath = `${path}.webhookClientConfig`;
  const versionsPath = `${path}.conversionReviewVersions`;
  if (strategy !== "Webhook") {
    const text = "should not be set when strategy is not set to Webhook";
    if (clientConfig !== undefined) problems.push(forbidden(configPath, text));
    if (conversionReviewVersions.length > 0) problems.push(forbidden(versionsPath, text));
    return problems;
  }
  if (clientConfig === undefined)
    problems.push(required(configPath, "required when strategy is set to Webhook"));
  else {
    const { caBundle = "" } = clientConfig;
    problems.push(...clientConfigProblems(clientConfig, configPath));
    if (caBundle !== "" && established && !holdsBadBundle(old) && !isBundle(caBundle))
      problems.push(invalid(`${configPath}.caBundle`, caBundle, bundleText));
  }
  const oldVersions = old === undefined ? [] : (webhookOf(old).conversionReviewVersions ?? []);
  const mustUnderstand =
    oldVersions.length === 0 || oldVersions.some((version) => reviewVersions.includes(version));
  problems.push(...reviewVersionProblems(conversionReviewVersions, versionsPath, { mustUnderstand }));
  return problems;
}

const bundleText = "unable to load root certificates: unable to parse bytes as PEM block";

function isBundle(caBundle: string): boolean {
  return /-----BEGIN CERTIFICATE-----[\s\S]+-----END CERTIFICATE-----/.test(
    Buffer.from(caBundle, "base64").toString("latin1"),
  );
}

function holdsBadBundle(old: Conversion | undefined): boolean {
  const bundle = old === undefined ? "" : (webhookOf(old).clientConfig?.caBundle ?? "");
  return bundle !== "" && !isBundle(bundle);
}
