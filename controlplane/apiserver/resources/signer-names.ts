import { dns1123Label, dns1123Subdomain } from "../../../client/rules/names.ts";
import type { FieldError } from "../registry/kind.ts";
import { invalid, required, tooLong } from "./field-errors.ts";

const domainBytesMax = 253;
/** A domain, a slash, a label, a dot and a subdomain. */
const nameBytesMax = domainBytesMax + 1 + 63 + 1 + 253;

/** Who signs certificates: `example.com/signer`. */
export function signerNameProblems(name: string, field: string): readonly FieldError[] {
  if (name === "") return [required(field)];
  const [domain = "", path = "", ...more] = name.split("/");
  if (!name.includes("/") || more.length > 0)
    return [
      invalid(field, name, "must be a fully qualified domain and path of the form 'example.com/signer-name'"),
    ];
  const labelProblems = (text: string, rule: (label: string) => readonly string[]) => {
    const first = text.split(".").find((label) => rule(label).length > 0);
    if (first === undefined) return [];
    return rule(first).map((why) =>
      invalid(field, text, `validating label ${JSON.stringify(first)}: ${why}`),
    );
  };
  const problems: FieldError[] = [];
  if (Buffer.byteLength(domain) > domainBytesMax) problems.push(tooLong(field, domainBytesMax));
  problems.push(...labelProblems(domain, dns1123Label));
  if (!domain.includes("."))
    problems.push(invalid(field, domain, "should be a domain with at least two segments separated by dots"));
  problems.push(...labelProblems(path, dns1123Subdomain));
  if (Buffer.byteLength(name) > nameBytesMax) problems.push(tooLong(field, nameBytesMax));
  return problems;
}
