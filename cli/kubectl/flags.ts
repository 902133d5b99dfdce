import type { FlagTable } from "../../base/os/flags.ts";
import type { RestClient } from "../../client/rest.ts";

/** What every command here understands. */
export const clusterFlags = {
  kubeconfig: {
    kind: "string",
    value: "FILE",
    help: "how to reach the cluster ($KUBECONFIG, else the newest `pintle up`)",
  },
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
