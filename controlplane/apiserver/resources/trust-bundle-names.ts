import { dns1123Subdomain } from "../../../client/rules/names.ts";
import type { NameRule } from "./meta.ts";

/** A bundle of a signer begins with the signer's name, its slash written as a colon; one of nobody's has no colon. */
export function trustBundleName(signerName: string): NameRule {
  const prefix = `${signerName.replaceAll("/", ":")}:`;
  return (name) => {
    if (signerName === "")
      return name.includes(":")
        ? ['ClusterTrustBundle without signer name must not have ":" in its name']
        : dns1123Subdomain(name);
    return name.startsWith(prefix)
      ? dns1123Subdomain(name.slice(prefix.length))
      : [`ClusterTrustBundle for signerName ${signerName} must be named with prefix ${prefix}`];
  };
}

/** Empty where the name is one of nobody's. */
export function signerNameIn(bundleName: string): string {
  const end = bundleName.lastIndexOf(":");
  return end < 0 ? "" : bundleName.slice(0, end).replaceAll(":", "/");
}
