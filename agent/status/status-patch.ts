import type { Pod, PodStatus } from "../../client/types.ts";
import { ownConditions } from "../sync/pod-conditions.ts";

type PodCondition = NonNullable<PodStatus["conditions"]>[number];

/** The node's, all of them: one that a status lacks is gone. What else is in a status belongs to others. */
const ownFields = [
  "reason",
  "message",
  "podIP",
  "podIPs",
  "hostIP",
  "hostIPs",
  "initContainerStatuses",
  "containerStatuses",
  "ephemeralContainerStatuses",
] as const;

/** The strategic merge patch that makes a pod's status this one and leaves alone what others write there, whether the node
 *  has seen it or not (kubelet: statusutil.PatchPodStatus). Valid whatever the server has. */
export function statusPatch(pod: Pod, status: PodStatus): object {
  const gone = ownFields.filter((name) => status[name] === undefined).map((name) => [name, null]);
  const { conditions = [], podIPs, hostIPs, ...rest } = status;
  const mine = conditions.filter((one) => ownConditions.has(one.type) || isNews(one, pod));
  const have = new Set(mine.map(({ type }) => type));
  const lost = [...ownConditions].filter((type) => !have.has(type));
  return {
    metadata: { uid: pod.metadata.uid },
    status: {
      ...Object.fromEntries(gone),
      ...rest,
      // Lists that merge by ip would keep the addresses of before.
      ...(podIPs && { podIPs: [{ $patch: "replace" }, ...podIPs] }),
      ...(hostIPs && { hostIPs: [{ $patch: "replace" }, ...hostIPs] }),
      "$setElementOrder/conditions": mine.map(({ type }) => ({ type })),
      conditions: [
        ...mine.map((one) => ({ ...noFields, ...one })),
        ...lost.map((type) => ({ type, $patch: "delete" })),
      ],
    },
  };
}

/** The pod has this status already, as far as the node writes it. */
export function hasStatus({ status: found = {} }: Pod, status: PodStatus): boolean {
  const { conditions: foundConditions = [], ...fields } = found;
  const own = (all: readonly PodCondition[]) => all.filter(({ type }) => ownConditions.has(type));
  const { conditions = [], ...wanted } = status;
  return (
    ownFields.every((name) => name in wanted || !(name in fields)) &&
    Object.entries(wanted).every(([name, value]) => sameJson(value, fields[name as keyof typeof fields])) &&
    own(conditions).length === own(foundConditions).length &&
    conditions.every((one) => foundConditions.some((other) => sameJson(one, other)))
  );
}

/** What a condition may have had before and has no longer. */
const noFields = { reason: null, message: null };

/** The node itself found it; it is not a copy of what the pod has. */
function isNews(condition: PodCondition, { status }: Pod): boolean {
  return !sameJson(
    condition,
    status?.conditions?.find(({ type }) => type === condition.type),
  );
}

/** Equal, whatever the order of fields; null is how some servers write what is not there. Makes nothing on the way: each status
 *  is compared with what the server has. */
function sameJson(before: unknown, after: unknown): boolean {
  const a = before ?? undefined;
  const b = after ?? undefined;
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object") return false;
  if (Array.isArray(a) || Array.isArray(b))
    return (
      Array.isArray(a) &&
      Array.isArray(b) &&
      a.length === b.length &&
      a.every((one, at) => sameJson(one, b[at]))
    );
  const [left, right] = [a as Json, b as Json];
  return (
    Object.keys(left).every((name) => sameJson(left[name], right[name])) &&
    Object.keys(right).every((name) => Object.hasOwn(left, name) || sameJson(undefined, right[name]))
  );
}

type Json = Readonly<Record<string, unknown>>;
