/** Of a vendor: has a domain that is not Kubernetes' own. */
export function isExtendedResource(name: string): boolean {
  return name.includes("/") && !name.includes("kubernetes.io/") && !name.startsWith("requests.");
}

/** Counted in pieces, and in scores only for pods that ask for it. */
export const isScalarResource = (name: string): boolean =>
  isExtendedResource(name) ||
  name.startsWith("hugepages-") ||
  name.startsWith("attachable-volumes-") ||
  name.includes("kubernetes.io/");
