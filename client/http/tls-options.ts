import type { AgentOptions } from "node:https";
import { trusting } from "../../base/os/trust.ts";
import type { RestConfig } from "../kubeconfig.ts";

/** Options for a TLS connection as this user. */
export function tlsOptions(config: RestConfig): AgentOptions {
  return {
    ...(config.caPem !== undefined && trusting(config.caPem)),
    ...(config.certificatePem !== undefined && { cert: config.certificatePem }),
    ...(config.privateKeyPem !== undefined && { key: config.privateKeyPem }),
    ...(config.serverName !== undefined && { servername: config.serverName }),
    ...(config.insecureSkipVerify && { rejectUnauthorized: false }),
  };
}
