import type { FlagTable } from "../../base/os/flags.ts";
import type { RestClient } from "../../client/rest.ts";

/** Which cluster: what every command understands that asks one. */
export const connectionFlags = {
  kubeconfig: {
    kind: "string",
    value: "FILE",
    help: "how to reach the cluster ($KUBECONFIG, else the newest `pintle up`)",
  },
  context: {
    kind: "string",
    value: "NAME",
    help: "a context of the kubeconfig, in place of its current one",
  },
} as const satisfies FlagTable;

/** The same, for commands whose objects are in a namespace. */
export const clusterFlags = {
  ...connectionFlags,
  namespace: {
    kind: "string",
    short: "n",
    value: "NAME",
    help: "the namespace (that of the kubeconfig, else default)",
  },
} as const satisfies FlagTable;

export function namespaceOf(flags: { readonly namespace: string | undefined }, client: RestClient): string {
  return flags.namespace ?? client.config.namespace;
}
