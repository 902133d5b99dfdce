import { type Amount, amountText } from "../../../base/quantity-text.ts";
import { type AmountsByName, podAmounts, readAmounts } from "../../../client/rules/pod-amounts.ts";
import type { Container, LimitRangeItem, PersistentVolumeClaim, Pod } from "../../../client/types.ts";

/** What the limits of a range make of pods and claims, in Kubernetes' words. Pure but where said. */

const noteName = "kubernetes.io/limit-ranger";

/** Gives containers the requests and limits that they lack, and notes in the pod which; mutates. */
export function setDefaultResources(pod: Pod, limits: readonly LimitRangeItem[]): void {
  const ofContainers = limits.filter(({ type }) => type === "Container");
  const requests = Object.assign({}, ...ofContainers.map(({ defaultRequest }) => defaultRequest));
  const most = Object.assign({}, ...ofContainers.map((limit) => limit.default));
  const notes = [
    ...pod.spec.containers.flatMap((one) => fill(one, "container", { requests, limits: most })),
    ...(pod.spec.initContainers ?? []).flatMap((one) =>
      fill(one, "init container", { requests, limits: most }),
    ),
  ];
  if (notes.length === 0) return;
  pod.metadata.annotations = {
    ...pod.metadata.annotations,
    [noteName]: `LimitRanger plugin set: ${notes.join("; ")}`,
  };
}

type Quantities = { [resource: string]: string };

function fill(
  container: Container,
  sort: string,
  defaults: { readonly requests: Quantities; readonly limits: Quantities },
): readonly string[] {
  return (["requests", "limits"] as const).flatMap((which) => {
    const own = container.resources?.[which] ?? {};
    const missing = Object.keys(defaults[which]).filter((name) => own[name] === undefined);
    if (missing.length === 0) return [];
    container.resources = { ...container.resources, [which]: { ...defaults[which], ...own } };
    const word = which === "requests" ? "request" : "limit";
    return [`${missing.sort().join(", ")} ${word} for ${sort} ${container.name}`];
  });
}

export function podViolations({ spec }: Pod, limits: readonly LimitRangeItem[]): readonly string[] {
  return limits.flatMap((limit) => {
    if (limit.type === "Pod")
      return violations(limit, {
        requests: podAmounts(spec, "requests"),
        limits: podAmounts(spec, "limits"),
      });
    if (limit.type !== "Container") return [];
    return [...spec.containers, ...(spec.initContainers ?? [])].flatMap(({ resources }) =>
      violations(limit, {
        requests: readAmounts(resources?.requests),
        limits: readAmounts(resources?.limits),
      }),
    );
  });
}

export function claimViolations(
  { spec }: PersistentVolumeClaim,
  limits: readonly LimitRangeItem[],
): readonly string[] {
  const requests = readAmounts(spec.resources?.requests);
  return limits
    .filter(({ type }) => type === "PersistentVolumeClaim")
    .flatMap((limit) => [
      ...each(limit.min, (name, least) =>
        tooLittle(about(limit, name), least, { requests, limits: new Map() }),
      ),
      ...each(limit.max, (name, most) => requestsTooMuch(about(limit, name), most, requests)),
    ]);
}

interface Taken {
  readonly requests: AmountsByName;
  readonly limits: AmountsByName;
}

interface About {
  readonly type: string;
  readonly name: string;
}
const about = ({ type }: LimitRangeItem, name: string): About => ({ type, name });

function violations(limit: LimitRangeItem, taken: Taken): readonly string[] {
  return [
    ...each(limit.min, (name, least) => tooLittle(about(limit, name), least, taken)),
    ...each(limit.max, (name, most) => tooMuch(about(limit, name), most, taken)),
    ...each(limit.maxLimitRequestRatio, (name, most) => tooFarApart(about(limit, name), most, taken)),
  ];
}

function each(
  quantities: Quantities | undefined,
  problem: (name: string, bound: Amount) => string | undefined,
): readonly string[] {
  return [...readAmounts(quantities)]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([name, bound]) => problem(name, bound) ?? []);
}

function tooLittle({ type, name }: About, least: Amount, { requests, limits }: Taken): string | undefined {
  const rule = `minimum ${name} usage per ${type} is ${amountText(least)}`;
  const [request, limit] = [requests.get(name), limits.get(name)];
  if (request === undefined) return `${rule}.  No request is specified`;
  if (request.nanos < least.nanos) return `${rule}, but request is ${amountText(request)}`;
  if (limit !== undefined && limit.nanos < least.nanos) return `${rule}, but limit is ${amountText(limit)}`;
  return undefined;
}

function tooMuch({ type, name }: About, most: Amount, { requests, limits }: Taken): string | undefined {
  const rule = `maximum ${name} usage per ${type} is ${amountText(most)}`;
  const [request, limit] = [requests.get(name), limits.get(name)];
  if (limit === undefined) return `${rule}.  No limit is specified`;
  if (limit.nanos > most.nanos) return `${rule}, but limit is ${amountText(limit)}`;
  if (request !== undefined && request.nanos > most.nanos)
    return `${rule}, but request is ${amountText(request)}`;
  return undefined;
}

function requestsTooMuch({ type, name }: About, most: Amount, requests: AmountsByName): string | undefined {
  const rule = `maximum ${name} usage per ${type} is ${amountText(most)}`;
  const request = requests.get(name);
  if (request === undefined) return `${rule}.  No request is specified`;
  return request.nanos > most.nanos ? `${rule}, but request is ${amountText(request)}` : undefined;
}

function tooFarApart({ type, name }: About, most: Amount, { requests, limits }: Taken): string | undefined {
  const rule = `${name} max limit to request ratio per ${type} is ${amountText(most)}`;
  const [request, limit] = [requests.get(name), limits.get(name)];
  if (request === undefined || request.nanos === 0n)
    return `${rule}, but no request is specified or request is 0`;
  if (limit === undefined || limit.nanos === 0n) return `${rule}, but no limit is specified or limit is 0`;
  const ratio = Number(limit.nanos) / Number(request.nanos);
  if (ratio <= Number(most.nanos) / 1e9) return undefined;
  return `${rule}, but provided ratio is ${ratio.toFixed(6)}`;
}
