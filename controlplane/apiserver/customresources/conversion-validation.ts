import type { FieldError } from "../registry/kind.ts";
import { forbidden, invalid, notSupported, required } from "../resources/field-errors.ts";
import { dns1035Label, dns1123Subdomain } from "../resources/names.ts";
import type { DefinitionSpec } from "./definition.ts";

/** What of a definition's conversion breaks Kubernetes' rules. Pure. */

interface Webhook {
  readonly clientConfig?: ClientConfig;
  readonly conversionReviewVersions?: readonly string[];
}

interface ClientConfig {
  readonly url?: string;
  readonly service?: {
    readonly namespace?: string;
    readonly name?: string;
    readonly path?: string;
    readonly port?: number;
  };
  /** PEM in base64. */
  readonly caBundle?: string;
}

type Conversion = NonNullable<DefinitionSpec["conversion"]>;

const understoodVersions: readonly string[] = ["v1", "v1beta1"];

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
    const { url, service, caBundle = "" } = clientConfig;
    if ((url === undefined) === (service === undefined))
      problems.push(required(configPath, "exactly one of url or service is required"));
    else if (url !== undefined) problems.push(...webhookUrlProblems(url, `${configPath}.url`));
    else if (service !== undefined) problems.push(...serviceProblems(service, `${configPath}.service`));
    if (caBundle !== "" && established && !holdsBadBundle(old) && !isBundle(caBundle))
      problems.push(invalid(`${configPath}.caBundle`, caBundle, bundleText));
  }
  const oldVersions = old === undefined ? [] : (webhookOf(old).conversionReviewVersions ?? []);
  const mustUnderstand =
    oldVersions.length === 0 || oldVersions.some((version) => understoodVersions.includes(version));
  problems.push(...reviewVersionProblems(conversionReviewVersions, versionsPath, mustUnderstand));
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

function reviewVersionProblems(
  versions: readonly string[],
  path: string,
  mustUnderstand: boolean,
): readonly FieldError[] {
  if (versions.length === 0) return [required(path)];
  const problems: FieldError[] = [];
  for (const [index, version] of versions.entries()) {
    const at = `${path}[${index}]`;
    if (versions.indexOf(version) < index) problems.push(invalid(at, version, "duplicate version"));
    else problems.push(...dns1035Label(version).map((text) => invalid(at, version, text)));
  }
  if (mustUnderstand && !versions.some((version) => understoodVersions.includes(version)))
    problems.push(invalid(path, versions, `must include at least one of ${understoodVersions.join(", ")}`));
  return problems;
}

const form = "; desired format: https://host[/path]";

/** What breaks the rules for a webhook's URL. */
export function webhookUrlProblems(text: string, path: string): readonly FieldError[] {
  const control = [...text].some((char) => char < " " || char === "\u007f");
  if (control) {
    const why = `parse ${JSON.stringify(text)}: net/url: invalid control character in URL`;
    return [required(path, `url must be a valid URL: ${why}${form}`)];
  }
  const [, scheme = "", authority = "", query, fragment = ""] =
    /^(?:([a-zA-Z][a-zA-Z0-9+.-]*):)?(?:\/\/([^/?#]*))?[^?#]*(?:\?([^#]*))?(?:#(.*))?$/s.exec(text) ?? [];
  const at = authority.lastIndexOf("@");
  const host = at < 0 ? authority : authority.slice(at + 1);
  const problems: FieldError[] = [];
  if (scheme.toLowerCase() !== "https")
    problems.push(invalid(path, scheme.toLowerCase(), `'https' is the only allowed URL scheme${form}`));
  if (host === "") problems.push(invalid(path, host, `host must be specified${form}`));
  if (at >= 0)
    problems.push(invalid(path, authority.slice(0, at), "user information is not permitted in the URL"));
  if (fragment !== "") problems.push(invalid(path, fragment, "fragments are not permitted in the URL"));
  if (query) problems.push(invalid(path, query, "query parameters are not permitted in the URL"));
  return problems;
}

/** Kubernetes hands name and namespace over in the wrong order: the paths of its answers are the other's. */
function serviceProblems(
  { name = "", namespace = "", path: urlPath, port = 443 }: NonNullable<ClientConfig["service"]>,
  path: string,
): readonly FieldError[] {
  const problems: FieldError[] = [];
  if (namespace === "") problems.push(required(`${path}.name`));
  if (name === "") problems.push(required(`${path}.namespace`));
  if (port < 1 || port > 65_535)
    problems.push(invalid(`${path}.port`, port, "port is not valid: must be between 1 and 65535, inclusive"));
  if (urlPath === undefined || urlPath === "" || urlPath === "/") return problems;
  const at = `${path}.path`;
  if (urlPath === "//") return [...problems, invalid(at, urlPath, "segment[0] may not be empty")];
  if (!urlPath.startsWith("/")) problems.push(invalid(at, urlPath, "must start with a '/'"));
  const inner = urlPath.slice(1).replace(/\/$/, "");
  for (const [index, step] of inner.split("/").entries()) {
    if (step === "") problems.push(invalid(at, urlPath, `segment[${index}] may not be empty`));
    else
      problems.push(
        ...dns1123Subdomain(step).map((text) => invalid(at, urlPath, `segment[${index}]: ${text}`)),
      );
  }
  return problems;
}
