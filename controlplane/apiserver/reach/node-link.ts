import { Agent, type AgentOptions, type RequestOptions } from "node:https";
import { trusting } from "../../../base/os/trust.ts";
import type { Within } from "./within.ts";

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

/** @param here A connection to an agent in this process, if it is one. */
export function nodeLink(tls: NodeTls, here: Within["node"] = undefined): NodeLink {
  const agent = (of: NodeTls) => {
    const made = new Agent({ keepAlive: false, ...tlsOptions(of) });
    return here === undefined ? made : Object.assign(made, { createConnection: hereOrThere(here) });
  };
  return { agent: agent(tls), trustingAgent: agent({ ...tls, ca: undefined }), tls };
}

/** Agents here are handed what others are sent through TLS. */
function hereOrThere(here: NonNullable<Within["node"]>): NonNullable<RequestOptions["createConnection"]> {
  return function createConnection(this: Agent, options, oncreate) {
    const { host, port } = options as RequestOptions;
    const usual = Agent.prototype.createConnection as NonNullable<RequestOptions["createConnection"]>;
    return here(host ?? "", Number(port)) ?? usual.call(this, options, oncreate);
  };
}

export function tlsOptions({ ca, cert, key }: NodeTls): AgentOptions {
  return {
    rejectUnauthorized: ca !== undefined,
    ...(ca !== undefined && trusting(ca)),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
  };
}
