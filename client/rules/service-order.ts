import type { Service } from "../types.ts";

/** Services by age: of two that want the same address and port the older one has it. Whoever hands them out and whoever sends
 *  traffic there decide alike. Pure. */
export function inOrderOfAge(services: readonly Service[]): readonly Service[] {
  return services
    .map((service) => ({ service, rank: rankOf(service) }))
    .sort((a, b) => (a.rank < b.rank ? -1 : 1))
    .map(({ service }) => service);
}

const rankOf = ({ metadata }: Service): string =>
  `${metadata.creationTimestamp ?? ""} ${metadata.namespace}/${metadata.name}`;
