import { dns1123Subdomain } from "../../../client/rules/names.ts";
import type { Container } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { invalid } from "./field-errors.ts";

type WindowsOptions = NonNullable<NonNullable<Container["securityContext"]>["windowsOptions"]>;

const credentialKiB = 64;

/** `windowsOptions` of a pod or container: who its processes are on Windows. */
export function validateWindowsOptions(
  options: WindowsOptions | undefined,
  field: string,
): readonly FieldError[] {
  if (options === undefined) return [];
  const { gmsaCredentialSpecName: name, gmsaCredentialSpec: spec, runAsUserName: user } = options;
  const problems: FieldError[] = [];
  if (name !== undefined)
    problems.push(
      ...dns1123Subdomain(name).map((text) => invalid(`${field}.gmsaCredentialSpecName`, name, text)),
    );
  const at = `${field}.gmsaCredentialSpec`;
  if (spec === "") problems.push(invalid(at, spec, "gmsaCredentialSpec cannot be an empty string"));
  else if (spec !== undefined && Buffer.byteLength(spec) > credentialKiB * 1024)
    problems.push(invalid(at, spec, `gmsaCredentialSpec size must be under ${credentialKiB} KiB`));
  if (user !== undefined)
    problems.push(
      ...userNameFaults(user).map((what) => invalid(`${field}.runAsUserName`, user, `runAsUserName${what}`)),
    );
  return problems;
}

const domainMost = 256;
const userMost = 104;
const netBios = /^[^\\/:*?"<>|.][^\\/:*?"<>|]{0,14}$/;
const dnsDomain =
  /^[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(\.[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*$/;

/** `[DOMAIN\]USER`. */
function userNameFaults(name: string): readonly string[] {
  if (name === "") return [" cannot be an empty string"];
  if (/\p{Cc}/u.test(name)) return [" cannot contain control characters"];
  const parts = name.split("\\");
  if (parts.length > 2) return [" cannot contain more than one backslash"];
  const user = parts.at(-1) ?? "";
  const domain = parts.length === 2 ? parts[0] : undefined;
  const faults: string[] = [];
  if (domain !== undefined && domain.length >= domainMost)
    faults.push(`'s Domain length must be under ${domainMost} characters`);
  if (domain !== undefined && !netBios.test(domain) && !dnsDomain.test(domain))
    faults.push("'s Domain doesn't match the NetBios nor the DNS format");
  if (user === "") faults.push("'s User cannot be empty");
  if (user.length > userMost) faults.push(`'s User length must not be longer than ${userMost} characters`);
  if (/^[. ]+$/.test(user)) faults.push("'s User cannot contain only periods or spaces");
  if (/["/\\:;|=,+*?<>@[\]]/.test(user))
    faults.push(`'s User cannot contain the following characters: "/\\:;|=,+*?<>@[]`);
  return faults;
}
