import { parseQuantity } from "../../base/quantity.ts";
import type { Container } from "../../client/types.ts";

/** How many devices a container asks for, by resource. */
export function devicesAsked({
  resources,
}: Container): readonly (readonly [resource: string, count: number])[] {
  const limits = Object.entries(resources?.limits ?? {}).filter(([name]) => name.includes("/"));
  return limits
    .map(([name, text]) => [name, parseQuantity(text)] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1));
}
