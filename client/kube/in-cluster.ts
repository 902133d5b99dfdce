import { existsSync, readFileSync } from "node:fs";
import { UsageError } from "../../base/os/flags.ts";
import type { RestConfig } from "../kubeconfig.ts";

/** Where a pod finds its service account. */
const accountFolder = "/var/run/secrets/kubernetes.io/serviceaccount";

export interface InClusterSources {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly exists?: (path: string) => boolean;
  readonly readFile?: (path: string) => string;
}

/** The cluster of the pod that this process runs in, as the pod's service account; undefined outside a pod. The token is read
 *  again, since it is written anew. Throws UsageError where the pod's files cannot be read. */
export function inClusterConfig(sources: InClusterSources = {}): RestConfig | undefined {
  const {
    env = process.env,
    exists = existsSync,
    readFile = (path: string) => readFileSync(path, "utf8"),
  } = sources;
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = env;
  const tokenFile = `${accountFolder}/token`;
  if (!host || !port || !exists(tokenFile)) return undefined;
  const read = (name: string): string => {
    try {
      return readFile(`${accountFolder}/${name}`);
    } catch (error) {
      throw new UsageError(
        `the pod's service account: cannot read ${name}: ${error instanceof Error ? error.message : error}`,
      );
    }
  };
  const server = `https://${host.includes(":") ? `[${host}]` : host}:${port}`;
  if (!URL.canParse(server)) throw new UsageError(`KUBERNETES_SERVICE_HOST and _PORT make no URL: ${server}`);
  return {
    servers: [server],
    caPem: read("ca.crt"),
    token: read("token").trim(),
    tokenFile,
    namespace: exists(`${accountFolder}/namespace`) ? read("namespace").trim() || "default" : "default",
  };
}
