import type { KubeObject, Pod } from "../../../client/types.ts";
import type { NodeInfo } from "../cycle/node-info.ts";
import type { Candidate } from "../cycle/plugin.ts";

/** The messages between a scheduler and its extenders (k8s.io/kube-scheduler/extender/v1): Go's field names, and in answers
 *  any case of them, as Go reads them. */

/** A field of an answer, whatever its case. */
export function fieldOf(answer: unknown, name: string): unknown {
  if (typeof answer !== "object" || answer === null) return undefined;
  const wanted = name.toLowerCase();
  const found = Object.entries(answer).find(([key]) => key.toLowerCase() === wanted);
  return found?.[1] ?? undefined;
}

export function textOf(answer: unknown, name: string): string {
  const value = fieldOf(answer, name);
  return typeof value === "string" ? value : "";
}

/** What is sent to filter and to prioritize. */
export function nodesMessage(pod: Pod, nodes: readonly NodeInfo[], namesOnly: boolean): object {
  return namesOnly
    ? { Pod: pod, Nodes: null, NodeNames: nodes.map(({ name }) => name) }
    : {
        Pod: pod,
        Nodes: { kind: "NodeList", apiVersion: "v1", metadata: {}, items: nodes.map(({ node }) => node) },
        NodeNames: null,
      };
}

/** The nodes that an extender lets through. Throws where it names one that it was not asked about. */
export function nodesKept(
  answer: unknown,
  asked: readonly NodeInfo[],
  { url, namesOnly }: { readonly url: string; readonly namesOnly: boolean },
): readonly NodeInfo[] {
  const names = fieldOf(answer, "NodeNames");
  const items = fieldOf(fieldOf(answer, "Nodes"), "items");
  const kept =
    namesOnly && Array.isArray(names)
      ? names.map(String)
      : Array.isArray(items)
        ? items.map((node: KubeObject) => node.metadata.name)
        : [];
  return kept.map((name) => {
    const node = asked.find((one) => one.name === name);
    if (node === undefined)
      throw new Error(
        `extender ${JSON.stringify(url)} claims a filtered node ${JSON.stringify(name)} which is not found in the input node list`,
      );
    return node;
  });
}

/** Reasons by node. */
export function failedNodes(answer: unknown, name: string): ReadonlyMap<string, string> {
  const given = fieldOf(answer, name);
  return new Map(
    typeof given === "object" && given !== null
      ? Object.entries(given).map(([node, why]) => [node, String(why)] as const)
      : [],
  );
}

/** What is sent to preempt. */
export function victimsMessage(pod: Pod, candidates: readonly Candidate[], idsOnly: boolean): object {
  const byNode = (podOf: (victim: Pod) => object) =>
    Object.fromEntries(
      candidates.map(({ node, victims, violations }) => [
        node,
        { Pods: victims.map((victim) => podOf(victim.pod)), NumPDBViolations: violations },
      ]),
    );
  return idsOnly
    ? {
        Pod: pod,
        NodeNameToVictims: null,
        NodeNameToMetaVictims: byNode(({ metadata }) => ({ UID: metadata.uid })),
      }
    : { Pod: pod, NodeNameToVictims: byNode((victim) => victim), NodeNameToMetaVictims: null };
}

/** The candidates that an extender leaves, with the victims it leaves. */
export function candidatesKept(answer: unknown, asked: readonly Candidate[]): readonly Candidate[] {
  const byNode = fieldOf(answer, "NodeNameToMetaVictims");
  if (typeof byNode !== "object" || byNode === null) return [];
  return Object.entries(byNode).map(([node, kept]) => {
    const candidate = asked.find((one) => one.node === node);
    if (candidate === undefined)
      throw new Error(`extender claims a node ${JSON.stringify(node)} that it was not asked about`);
    const pods = fieldOf(kept, "Pods");
    const ids = new Set(Array.isArray(pods) ? pods.map((one) => textOf(one, "UID")) : []);
    const victims = candidate.victims.filter(({ pod }) => ids.has(pod.metadata.uid));
    return { node, victims, violations: Number(fieldOf(kept, "NumPDBViolations") ?? 0) };
  });
}
