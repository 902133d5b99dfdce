const suffix = ".static.k8s.io";

/** Of names that Kubernetes keeps for configurations which an API server reads from files. Pure. */
export function staticNameWarnings({
  metadata: { name = "" },
}: {
  readonly metadata: { readonly name?: string };
}): readonly string[] {
  if (!name.endsWith(suffix)) return [];
  return [
    `metadata.name: names ending with "${suffix}" are reserved for static manifest-based configurations and cannot be managed via the API`,
  ];
}
