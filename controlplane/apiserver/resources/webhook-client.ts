import { dns1035Label, dns1123Subdomain } from "../../../client/rules/names.ts";
import type { FieldError } from "../registry/kind.ts";
import { invalid, required } from "./field-errors.ts";

/** Where a webhook is, and in which versions of its review it speaks: what of it breaks Kubernetes' rules. Pure. */
export interface ClientConfig {
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

/** Versions of AdmissionReview and ConversionReview that this server speaks. */
export const reviewVersions: readonly string[] = ["v1", "v1beta1"];

export function clientConfigProblems({ url, service }: ClientConfig, path: string): readonly FieldError[] {
  if (url !== undefined && service === undefined) return webhookUrlProblems(url, `${path}.url`);
  if (service !== undefined && url === undefined) return serviceProblems(service, `${path}.service`);
  return [required(path, "exactly one of url or service is required")];
}

/** @param mustUnderstand One of them at least must be spoken here.
 *  @param detail What to say where there is none. */
export function reviewVersionProblems(
  versions: readonly string[],
  path: string,
  { mustUnderstand, detail = "" }: { readonly mustUnderstand: boolean; readonly detail?: string },
): readonly FieldError[] {
  if (versions.length === 0) return [required(path, detail)];
  const problems: FieldError[] = [];
  for (const [index, version] of versions.entries()) {
    const at = `${path}[${index}]`;
    if (versions.indexOf(version) < index) problems.push(invalid(at, version, "duplicate version"));
    else problems.push(...dns1035Label(version).map((text) => invalid(at, version, text)));
  }
  if (mustUnderstand && !versions.some((version) => reviewVersions.includes(version)))
    problems.push(invalid(path, versions, `must include at least one of ${reviewVersions.join(", ")}`));
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
