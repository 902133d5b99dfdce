import { type Amount, addAmounts, readAmount } from "../../base/quantity-text.ts";
import type { Container, PodSpec } from "../types.ts";

export type AmountsByName = ReadonlyMap<string, Amount>;

/** What a pod's containers request, or are limited to, together, to the last nano: the running ones and their sidecars, or
 *  more while an init container runs. What the pod asks for as a whole replaces the sum.
 *  @param amountsOf What a single container counts for. */
export function podAmounts(
  { containers, initContainers = [], resources }: PodSpec,
  which: "requests" | "limits",
  amountsOf: (container: Container) => AmountsByName = ({ resources: own }) => readAmounts(own?.[which]),
): AmountsByName {
  let sidecars: AmountsByName = new Map();
  let peak: AmountsByName = new Map();
  let running: AmountsByName = new Map();
  for (const container of containers) running = summed(running, amountsOf(container));
  for (const container of initContainers) {
    const own = amountsOf(container);
    if (container.restartPolicy === "Always") {
      running = summed(running, own);
      sidecars = summed(sidecars, own);
      peak = largest(peak, sidecars);
    } else peak = largest(peak, summed(own, sidecars));
  }
  const asWhole = [...readAmounts(resources?.[which])].filter(([name]) => isPodLevel(name));
  return new Map([...largest(running, peak), ...asWhole]);
}

/** What a pod may ask for as a whole. */
export const isPodLevel = (name: string): boolean =>
  name === "cpu" || name === "memory" || name.startsWith("hugepages-");

export function readAmounts(quantities: Readonly<Record<string, string>> | undefined): AmountsByName {
  return new Map(Object.entries(quantities ?? {}).map(([name, text]) => [name, readAmount(text)]));
}

export function summed(left: AmountsByName, right: AmountsByName): AmountsByName {
  return combined(left, right, addAmounts);
}

export function largest(left: AmountsByName, right: AmountsByName): AmountsByName {
  return combined(left, right, (a, b) => (b.nanos > a.nanos ? b : a));
}

function combined(
  left: AmountsByName,
  right: AmountsByName,
  by: (left: Amount, right: Amount) => Amount,
): AmountsByName {
  const result = new Map(left);
  for (const [name, amount] of right) {
    const before = result.get(name);
    result.set(name, before === undefined ? amount : by(before, amount));
  }
  return result;
}
