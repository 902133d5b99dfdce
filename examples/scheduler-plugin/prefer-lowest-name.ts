/** A scheduling plugin of your own:
 *
 *      pintle scheduler --config scheduler.yaml --plugins prefer-lowest-name.ts
 *
 *  It keeps pods that are labelled `quiet: "true"` off nodes that are labelled `noisy`, and of the nodes that remain prefers
 *  those whose name comes first in the alphabet. The types are those of `controlplane/scheduler/cycle/`. */
import type { PluginFactory } from "../../controlplane/scheduler/cycle/handle.ts";

interface Args {
  /** The label of nodes to keep off. */
  readonly label: string;
}

const preferLowestName: PluginFactory = (args) => {
  const { label = "noisy" } = (args ?? {}) as Partial<Args>;
  const refusal = { reasons: [`node(s) were ${label}`], lasting: true };
  return {
    name: "PreferLowestName",
    helpedBy: {
      nodeAdded: (_pod, { node }) => node.metadata.labels?.[label] === undefined,
      nodeChanged: (_pod, { node }) => node.metadata.labels?.[label] === undefined,
    },
    prepareFilter: (pod) => {
      if (pod.labels.quiet !== "true") return undefined;
      return { filter: (node) => (node.labels[label] === undefined ? undefined : refusal) };
    },
    prepareScore: (_pod, _snapshot, feasible) => {
      const names = feasible.map(({ name }) => name).sort();
      return { score: ({ name }) => 100 - (100 * names.indexOf(name)) / names.length };
    },
  };
};

export const plugins = { PreferLowestName: preferLowestName };
