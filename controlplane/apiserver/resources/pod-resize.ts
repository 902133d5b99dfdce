import { qosClass } from "../../../client/rules/pod-qos.ts";
import { isMirrorPod } from "../../../client/rules/static-pods.ts";
import type { Container, Pod, PodSpec } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { sameValue } from "../schema/same-value.ts";
import { forbidden, invalid } from "./field-errors.ts";
import { resourcesKept, withOwnComputeResources } from "./resized-resources.ts";
import { typedPart } from "./typed-kind.ts";

const sorts = ["containers", "initContainers"] as const;

/** pods/resize: what containers (and the pod as a whole) may use, changed as they run. */
export const resizePart = typedPart<Pod>({
  take(current, wanted) {
    // Validation says what is wrong with these, and stores nothing.
    if (sorts.some((sort) => (wanted.spec[sort] ?? []).length !== (current.spec[sort] ?? []).length))
      return { ...current, spec: wanted.spec };
    const { resources } = wanted.spec;
    const spec: PodSpec = { ...current.spec };
    delete spec.resources;
    if (resources !== undefined) spec.resources = resources;
    for (const sort of sorts) {
      const list = resized(wanted.spec[sort] ?? [], current.spec[sort] ?? []);
      if (list.length > 0) spec[sort] = [...list];
    }
    return { ...current, spec };
  },
  validate: validateResize,
});

/** The containers as they are, with the wanted resources; as wanted altogether where they are others. */
function resized(wanted: readonly Container[], current: readonly Container[]): readonly Container[] {
  if (wanted.some(({ name }, at) => name !== current[at]?.name)) return wanted;
  return wanted.map(({ resources, resizePolicy }, at) => {
    const { resources: _, resizePolicy: __, ...kept } = current[at] as Container;
    return {
      ...kept,
      ...(resources !== undefined && { resources }),
      ...(resizePolicy !== undefined && { resizePolicy }),
    };
  });
}

const onlyCompute = "only cpu and memory resources are mutable";

/** In Kubernetes' order. */
function validateResize(next: Pod, current: Pod): readonly FieldError[] {
  if (isMirrorPod(current)) return [forbidden("[]", "static pods cannot be resized")];
  if (current.spec.os?.name === "windows") return [forbidden("[]", "windows pods cannot be resized")];
  const problems: FieldError[] = [];
  if ((current.status?.qosClass || qosClass(current.spec)) !== qosClass(next.spec))
    problems.push(
      invalid("spec", next.status?.qosClass ?? "", "Pod QOS Class may not change as a result of resizing"),
    );
  if (!nodeResizes(current))
    problems.push(forbidden("spec", "Pod running on node without support for resize"));
  problems.push(...validatePodLevel(next.spec, current.spec));
  if ((current.status?.nodeAllocatableResourceClaimStatuses ?? []).length > 0)
    problems.push(forbidden("spec", "pods with node allocatable resource claims cannot be resized"));
  const order = sorts.flatMap((sort) => sameContainers(next.spec, current.spec, sort));
  if (order.length > 0) return [...problems, ...order];
  problems.push(
    ...validateKept(next.spec, current.spec, "initContainers"),
    ...validateKept(next.spec, current.spec, "containers"),
  );
  for (const [index, container] of next.spec.containers.entries()) {
    const before = current.spec.containers[index] as Container;
    if (!sameValue(withOwnResources(container, before), before))
      problems.push(forbidden("spec", onlyCompute));
  }
  for (const [index, container] of (next.spec.initContainers ?? []).entries())
    problems.push(
      ...validateInit(
        container,
        current.spec.initContainers?.[index] as Container,
        `spec.initContainers[${index}]`,
      ),
    );
  if (problems.length > 0 || sameValue(restored(next.spec, current.spec), current.spec)) return problems;
  return [forbidden("spec", onlyCompute)];
}

/** A node that resizes says of running containers what they have. */
function nodeResizes({ status }: Pod): boolean {
  const running = (status?.containerStatuses ?? []).find(({ state }) => state?.running !== undefined);
  return running === undefined || running.resources !== undefined;
}

function validatePodLevel(
  { resources: next }: PodSpec,
  { resources: current }: PodSpec,
): readonly FieldError[] {
  const at = "spec.resources";
  const amounts = (from: PodSpec["resources"]) =>
    Object.keys(from?.requests ?? {}).length + Object.keys(from?.limits ?? {}).length;
  if (amounts(next) + amounts(current) === 0) return [];
  if (current !== undefined && next === undefined)
    return [forbidden(at, "pod-level resources cannot be removed")];
  const problems = (["requests", "limits"] as const)
    .filter((which) => !resourcesKept(next?.[which], current?.[which]))
    .map((which) => forbidden(`${at}.${which}`, `pod-level resource ${which} cannot be removed`));
  const others = withOwnComputeResources(next, current);
  if (!sameValue(others ?? {}, current ?? {}))
    problems.push(forbidden("spec", "only cpu and memory resources are mutable at pod-level"));
  return problems;
}

function sameContainers(
  next: PodSpec,
  current: PodSpec,
  sort: (typeof sorts)[number],
): readonly FieldError[] {
  const [after, before] = [next[sort] ?? [], current[sort] ?? []];
  if (after.length !== before.length)
    return [forbidden(`spec.${sort}`, `${sort} may not be added or removed on resize`)];
  return before.flatMap(({ name }, index) =>
    after[index]?.name === name
      ? []
      : [forbidden(`spec.${sort}[${index}].name`, `${sort} may not be renamed or reordered on resize`)],
  );
}

function validateKept(next: PodSpec, current: PodSpec, sort: (typeof sorts)[number]): readonly FieldError[] {
  return (current[sort] ?? []).flatMap(({ resources: before }, index) => {
    const after = next[sort]?.[index]?.resources;
    return (["requests", "limits"] as const)
      .filter((which) => !resourcesKept(after?.[which], before?.[which]))
      .map((which) =>
        forbidden(`spec.${sort}[${index}].resources.${which}`, `resource ${which} cannot be removed`),
      );
  });
}

function validateInit(container: Container, before: Container, at: string): readonly FieldError[] {
  const problems: FieldError[] = [];
  if (!sameValue(withOwnResources(container, before), before))
    problems.push(forbidden(at, "only cpu and memory resources for init or sidecar containers are mutable"));
  if (container.restartPolicy === "Always" || sameValue(container, before)) return problems;
  for (const { restartPolicy } of container.resizePolicy ?? [])
    if (restartPolicy === "RestartContainer")
      problems.push(
        forbidden(
          at,
          "non-sidecar init containers with a resize policy of RestartContainer cannot be resized",
        ),
      );
  return problems;
}

/** Claims of a container that is resized count for none, as in Kubernetes. */
function withOwnResources(container: Container, before: Container): Container {
  const { claims: _, ...resources } = withOwnComputeResources(container.resources, before.resources) ?? {};
  return { ...container, resources };
}

/** `next` with all that a resize may change put back to how it was. */
function restored(next: PodSpec, current: PodSpec): PodSpec {
  const back = (list: readonly Container[], sort: (typeof sorts)[number]) =>
    list.map((one, at) => withOwnResources(one, current[sort]?.[at] as Container));
  const { resources, ...rest } = next;
  const asWhole = withOwnComputeResources(resources, current.resources);
  return {
    ...rest,
    containers: back(next.containers, "containers"),
    ...(next.initContainers !== undefined && { initContainers: back(next.initContainers, "initContainers") }),
    ...(asWhole !== undefined &&
      (current.resources !== undefined || hasAmounts(asWhole)) && { resources: asWhole }),
  };
}

const hasAmounts = ({ requests = {}, limits = {}, claims = [] }: NonNullable<PodSpec["resources"]>) =>
  Object.keys(requests).length + Object.keys(limits).length + claims.length > 0;
