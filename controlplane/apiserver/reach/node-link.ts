import { Agent, type AgentOptions } from "node:https";
import { trusting } from "../../../base/os/trust.ts";

/** How the API server reaches node agents: with its own client certificate, trusting their authority. */
export interface NodeLink {
  readonly agent: Agent;
  /** For those who ask not to check whom they reach. */
  readonly trustingAgent: Agent;
  readonly tls: NodeTls;
}

export interface NodeTls {
  /** PEM. Without an authority a node's certificate is not checked, as in Kubernetes. */
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
}

export function nodeLink(tls: NodeTls): NodeLink {
  const agent = (of: NodeTls) => new Agent({ keepAlive: false, ...tlsOptions(of) });
  return { agent: agent(tls), trustingAgent: agent({ ...tls, ca: undefined }), tls };
}

export function tlsOptions({ ca, cert, key }: NodeTls): AgentOptions {
  return {
    rejectUnauthorized: ca !== undefined,
    ...(ca !== undefined && trusting(ca)),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
  };
}
