import { isMirrorPod } from "../../../client/rules/static-pods.ts";
import type { Container, Pod, PodSpec } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { sameValue } from "../schema/same-value.ts";
import { type ContainerContext, validateAnyContainer } from "./container-validation.ts";
import { duplicate, forbidden, notFound } from "./field-errors.ts";
import { typedPart } from "./typed-kind.ts";

type EphemeralContainer = NonNullable<PodSpec["ephemeralContainers"]>[number];

/** pods/ephemeralcontainers: containers that are added to a pod as it runs, to look into it. */
export const ephemeralContainersPart = typedPart<Pod>({
  take(current, { spec }) {
    const { ephemeralContainers: _, ...kept } = current.spec;
    const { ephemeralContainers } = spec;
    return {
      ...current,
      spec: { ...kept, ...(ephemeralContainers !== undefined && { ephemeralContainers }) },
    };
  },
  validate: (next, current) =>
    isMirrorPod(current)
      ? [forbidden("[]", "static pods do not support ephemeral containers")]
      : onlyAdded(next.spec.ephemeralContainers ?? [], current.spec.ephemeralContainers ?? []),
});

function onlyAdded(
  next: readonly EphemeralContainer[],
  current: readonly EphemeralContainer[],
): readonly FieldError[] {
  const at = "spec.ephemeralContainers";
  return current.flatMap((before) => {
    const after = next.find(({ name }) => name === before.name);
    const text = `existing ephemeral containers ${JSON.stringify(before.name)} may not be`;
    if (after === undefined) return [forbidden(at, `${text} removed\n`)];
    return sameValue(after, before) ? [] : [forbidden(at, `${text} changed`)];
  });
}

/** What a pod must not depend on: an ephemeral container is never restarted, and is nobody's service. In the order in which
 *  Kubernetes declares the fields. */
const otherContainersOnly = [
  "ports",
  "resources",
  "resizePolicy",
  "restartPolicy",
  "restartPolicyRules",
  "livenessProbe",
  "readinessProbe",
  "startupProbe",
  "lifecycle",
] as const satisfies readonly (keyof Container)[];
const notHere = "cannot be set for an Ephemeral Container";

/** `ephemeralContainers` of a pod at `field`. */
export function validateEphemeralContainers(
  { containers, initContainers = [], ephemeralContainers = [] }: PodSpec,
  field: string,
  context: Omit<ContainerContext, "init">,
): readonly FieldError[] {
  const others = new Set([...(containers ?? []), ...initContainers].map(({ name }) => name));
  const taken = new Set(others);
  return ephemeralContainers.flatMap((container, index) => {
    const at = `${field}[${index}]`;
    const { name, targetContainerName: target } = container;
    // A list may be empty without being given.
    const isSet = (one: (typeof otherContainersOnly)[number]) => hasContent(container[one]);
    const problems = [
      ...validateAnyContainer(container, at, { ...context, init: false }),
      ...(taken.has(name) ? [duplicate(`${at}.name`, name)] : []),
      ...(target && !others.has(target) ? [notFound(`${at}.targetContainerName`, target)] : []),
      ...otherContainersOnly.filter(isSet).map((one) => forbidden(`${at}.${one}`, notHere)),
      ...(container.volumeMounts ?? []).flatMap((mount, place) =>
        (["subPath", "subPathExpr"] as const)
          .filter((one) => mount[one])
          .map((one) => forbidden(`${at}.volumeMounts[${place}].${one}`, notHere)),
      ),
    ];
    taken.add(name);
    return problems;
  });
}

function hasContent(value: unknown): boolean {
  if (value === undefined || value === null || value === "") return false;
  return typeof value !== "object" || Object.keys(value).length > 0;
}
