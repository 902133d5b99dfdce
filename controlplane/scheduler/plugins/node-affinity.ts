import { matchesAnyTerm, matchesTerm, requiredNodes } from "../../../client/rules/node-selector.ts";
import type { Node, Pod, PodSpec } from "../../../client/types.ts";
import type { PluginFactory } from "../cycle/handle.ts";
import type { NodeInfo } from "../cycle/node-info.ts";
import { highestBest } from "../cycle/normalize.ts";
import type { PodInfo } from "../cycle/pod-info.ts";

const refusal = { reasons: ["node(s) didn't match Pod's node affinity/selector"], lasting: true };
const enforced = { reasons: ["node(s) didn't match scheduler-enforced node affinity"], lasting: true };
const conflict = "pod affinity terms conflict";

export interface NodeAffinityArgs {
  /** Holds for all pods of the profile beside their own. */
  readonly addedAffinity?: NonNullable<PodSpec["affinity"]>["nodeAffinity"];
}

const selectable = ({ metadata }: Node) => ({ name: metadata.name, labels: metadata.labels ?? {} });

/** spec.nodeSelector and node affinity, required and preferred. */
export const nodeAffinity: PluginFactory = (given) => {
  const { addedAffinity } = given as NodeAffinityArgs;
  const added = addedAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  const addedWishes = addedAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  const fits = ({ pod }: PodInfo, node: Node): boolean =>
    (added === undefined || matchesAnyTerm(added, selectable(node))) &&
    (requiredNodes(pod.spec)?.(selectable(node)) ?? true);
  return {
    name: "NodeAffinity",
    helpedBy: {
      nodeAdded: (pod, { node }) => fits(pod, node),
      nodeChanged: (pod, { node, before }) => fits(pod, node) && !fits(pod, before),
    },
    prepareFilter: ({ pod }) => {
      const required = requiredNodes(pod.spec);
      if (required === undefined && added === undefined) return undefined;
      const names = namedNodes(pod);
      if (names?.size === 0) return { nowhere: conflict };
      return {
        ...(names !== undefined && { nodes: names }),
        asks: JSON.stringify([
          added,
          pod.spec.nodeSelector,
          pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution,
        ]),
        filter: (node) => {
          if (added !== undefined && !matchesAnyTerm(added, node)) return enforced;
          return required === undefined || required(node) ? undefined : refusal;
        },
      };
    },
    prepareScore: ({ pod }) => {
      const own = pod.spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
      const wishes = [...own, ...addedWishes];
      if (wishes.length === 0) return undefined;
      return {
        asks: JSON.stringify(wishes),
        score: (node: NodeInfo) =>
          wishes.reduce(
            (sum, { weight, preference }) => sum + (matchesTerm(preference, node) ? weight : 0),
            0,
          ),
        normalize: highestBest,
      };
    },
  };
};

/** The nodes that every term of the required affinity names; undefined when a term leaves it open. */
function namedNodes({ spec }: Pod): ReadonlySet<string> | undefined {
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  if (required === undefined || required.nodeSelectorTerms.length === 0) return undefined;
  const names = new Set<string>();
  for (const { matchFields = [] } of required.nodeSelectorTerms) {
    const lists = matchFields
      .filter(({ key, operator }) => key === "metadata.name" && operator === "In")
      .map(({ values }) => values ?? []);
    const [first, ...others] = lists;
    if (first === undefined) return undefined;
    for (const name of first) if (others.every((list) => list.includes(name))) names.add(name);
  }
  return names;
}
