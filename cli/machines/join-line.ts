import { readClusterInfo } from "../../agent/identity/cluster-info.ts";
import { orAbsent } from "../../client/api-error.ts";
import { resources } from "../../client/resources.ts";
import type { RestClient } from "../../client/rest.ts";
import { clusterInfo } from "../../client/rules/joining-nodes.ts";
import { pinnedCertificates } from "../../client/rules/public-key-pin.ts";
import { OperatorError } from "../command.ts";

/** The words by which another machine joins, but for its token. Fails with an
 *  OperatorError where none join by tokens. */
export async function joinWords(client: Pick<RestClient, "get">): Promise<readonly string[]> {
  const map = await orAbsent(client.get(resources.configmaps, clusterInfo));
  if (map === undefined)
    throw new OperatorError(
      `no machine can join this cluster: it does not publish ${clusterInfo.namespace}/${clusterInfo.name}. \`pintle server --data-dir\` does`,
    );
  const { servers, caPem } = readClusterInfo(map.data);
  const pins = pinnedCertificates(caPem).map(({ pin }) => `--discovery-token-ca-cert-hash=${pin}`);
  return ["pintle", "agent", `--server=${servers[0]}`, ...pins];
}
