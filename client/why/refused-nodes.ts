import type { CauseCode } from "./causes.ts";
import type { Verdicts } from "./verdicts.ts";

/** Nodes that do not take a pod for one reason. */
export interface Refused {
  readonly reason: string;
  readonly count: number;
  /** Who they are, where that is known. */
  readonly nodes: readonly string[];
}

const reasonsMax = 50;

/** What a scheduler's message counts: `0/3 nodes are available: 1 Insufficient cpu, 2 node(s) were unschedulable. preemption: …` */
export function refusedInMessage(message: string): {
  readonly total: number;
  readonly refused: readonly Refused[];
} {
  const head = /^0\/(\d+) nodes are available:? ?/.exec(message);
  if (head === null) return { total: 0, refused: [] };
  const text = message.slice(head[0].length).split(/\.? preemption: /)[0] ?? "";
  const parts = text.replace(/\.\s*$/, "").split(/, (?=\d+ )/);
  const refused = parts.slice(0, reasonsMax).flatMap((part) => {
    const [, count, reason] = /^(\d+) (.+)$/s.exec(part) ?? [];
    return reason === undefined ? [] : [{ reason, count: Number(count), nodes: [] }];
  });
  return { total: Number(head[1]), refused };
}

/** The same as the filters themselves say it. */
export function refusedByVerdicts({ nodes }: Verdicts): readonly Refused[] {
  const byReason = new Map<string, string[]>();
  for (const { name, refusal } of nodes)
    for (const reason of refusal?.reasons ?? [])
      byReason.set(reason, [...(byReason.get(reason) ?? []), name]);
  return [...byReason]
    .map(([reason, names]) => ({ reason, count: names.length, nodes: names }))
    .sort((a, b) => b.count - a.count);
}

const kinds: readonly (readonly [RegExp, CauseCode])[] = [
  [/^Insufficient |^Too many pods/, "unschedulable-resources"],
  [/were unschedulable/, "unschedulable-cordoned"],
  [/untolerated taint/, "unschedulable-taint"],
  [/node affinity\/selector|enforced node affinity|requested node name/, "unschedulable-affinity"],
  [/pod affinity rules|anti-affinity rules/, "unschedulable-pod-affinity"],
  [/topology spread/, "unschedulable-spread"],
  [/free ports/, "unschedulable-port"],
  [/persistent ?volume|volume|pvc|storage|disk/i, "unschedulable-volume"],
];

/** Which cause a filter's words are. */
export const causeOfReason = (reason: string): CauseCode =>
  kinds.find(([pattern]) => pattern.test(reason))?.[1] ?? "unschedulable";

/** Without the words that every one of them begins with. */
export const shortReason = (reason: string): string => reason.replace(/^node\(s\) /, "");
