import type { Container } from "../../../client/types.ts";

type Resources = NonNullable<Container["resources"]>;
type Amounts = Resources["limits"];

/** Whether every resource that was asked for still is. */
export function resourcesKept(next: Amounts = {}, current: Amounts = {}): boolean {
  return Object.keys(current).every((name) => name in next);
}

/** `next` with the cpu and memory of `current`: what differs then is something else. */
export function withOwnComputeResources(
  next: Resources | undefined,
  current: Resources | undefined,
): Resources | undefined {
  if (next === undefined) return next;
  const { limits: _, requests: __, ...rest } = next;
  const limits = withOwnAmounts(next.limits, current?.limits);
  const requests = withOwnAmounts(next.requests, current?.requests);
  return { ...rest, ...(limits && { limits }), ...(requests && { requests }) };
}

function withOwnAmounts(next: Amounts, current: Amounts): Amounts {
  const { cpu: _, memory: __, ...others } = next ?? {};
  const amounts: Record<string, string> = { ...others };
  for (const name of ["cpu", "memory"]) {
    const amount = current?.[name];
    if (amount !== undefined) amounts[name] = amount;
  }
  return Object.keys(amounts).length > 0 || current !== undefined ? amounts : undefined;
}
