import { existsSync } from "node:fs";
import { type CommandGroups, commandGroups } from "./command-table.ts";
import { clusterLayout, defaultFolder, serverFolder } from "./up/layout.ts";

type Env = Readonly<Record<string, string | undefined>>;

/** A name that we are called by, and what can be done under it. */
export interface Program {
  readonly name: "pintle" | "kubectl pintle";
  readonly title: string;
  readonly groups: CommandGroups;
  /** The kubeconfig where no flag names one; undefined: that of $KUBECONFIG, else kubectl's own. */
  readonly kubeconfig: (env: Env) => string | undefined;
}

/** $KUBECONFIG, else that of the local cluster or of this machine's server where there is one, else kubectl's own. */
function localKubeconfig(env: Env): string | undefined {
  if (env.KUBECONFIG) return undefined;
  const folders = [defaultFolder(undefined, env), serverFolder];
  return folders.map((folder) => clusterLayout(folder).kubeconfig).find((file) => existsSync(file));
}

export const pintle: Program = {
  name: "pintle",
  title: "a Kubernetes-compatible cluster on its own etcd-compatible store",
  groups: commandGroups,
  kubeconfig: localKubeconfig,
};

const clusterCommands = /^(token |node )/;

/** The plugin of kubectl: what asks a cluster, wherever it runs; and the cluster is kubectl's, never one that only we know. */
export const kubectlPlugin: Program = {
  name: "kubectl pintle",
  title: "what Pintle can tell of the cluster that kubectl speaks to",
  groups: {
    "Work with a cluster": commandGroups["Work with a cluster"] ?? [],
    "Clusters of Pintle": (commandGroups["Run it on several machines"] ?? []).filter(({ name }) =>
      clusterCommands.test(name),
    ),
  },
  kubeconfig: () => undefined,
};
