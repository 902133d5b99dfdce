import { homedir } from "node:os";
import { join, resolve } from "node:path";

/** Where a local cluster keeps what. One folder holds everything; removing it removes the cluster. */
export interface Layout {
  readonly folder: string;
  /** The admin's kubeconfig, for people and kubectl. */
  readonly kubeconfig: string;
  readonly pki: string;
  readonly logs: string;
  /** What `up` decided once (ports, network slot) and what runs now. */
  readonly stateFile: string;
  readonly store: (name: string) => string;
  readonly node: (name: string) => string;
  /** Layers of images, which all nodes have in common. */
  readonly imageLayers: string;
  /** Mirrors and the like of registries, where somebody puts such a file. */
  readonly registries: string;
  readonly kubeconfigOf: (user: string) => string;
  readonly log: (component: string) => string;
}

export function clusterLayout(folder: string): Layout {
  const at = (...parts: string[]) => join(folder, ...parts);
  return {
    folder,
    kubeconfig: at("kubeconfig"),
    pki: at("pki"),
    logs: at("logs"),
    stateFile: at("cluster.json"),
    store: (name) => at("store", name),
    node: (name) => at("nodes", name),
    imageLayers: at("image-layers"),
    registries: at("registries.yaml"),
    kubeconfigOf: (user) => at("pki", `${user}.kubeconfig`),
    log: (component) => at("logs", `${component}.log`),
  };
}

/** Of a server that `pintle install server` has systemd run. */
export const serverFolder = "/var/lib/pintle/server";

/** --data-dir, else $PINTLE_HOME, else ~/.pintle. */
export function defaultFolder(
  given: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): string {
  return resolve(given ?? env.PINTLE_HOME ?? join(homedir(), ".pintle"));
}
