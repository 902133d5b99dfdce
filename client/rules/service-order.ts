import type { Service } from "../types.ts";

/** Services by age: of two that want the same address and port the older one has it. Whoever hands them out and whoever sends
 *  traffic there decide alike. Pure. */
export function inOrderOfAge(services: readonly Service[]): readonly Service[] {
  const rank = ({ metadata }: Service) =>
    `${metadata.creationTimestamp ?? ""} ${metadata.namespace}/${metadata.name}`;
  return [...services].sort((a, b) => (rank(a) < rank(b) ? -1 : 1));
}
