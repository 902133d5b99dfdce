import { Agent, type AgentOptions } from "node:https";

/** How the API server reaches node agents: with its own client certificate, trusting their authority. */
export interface NodeLink {
  readonly agent: Agent;
  readonly tls: NodeTls;
}

export interface NodeTls {
  /** PEM. Without an authority a node's certificate is not checked, as in Kubernetes. */
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
}

export function nodeLink(tls: NodeTls): NodeLink {
  return { agent: new Agent({ keepAlive: false, ...tlsOptions(tls) }), tls };
}

export function tlsOptions({ ca, cert, key }: NodeTls): AgentOptions {
  return {
    rejectUnauthorized: ca !== undefined,
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
  };
}

/** What Go says of a connection that could not be made. */
export function dialText(
  error: Error,
  { host, port }: { readonly host: string; readonly port: number },
): string {
  const code = "code" in error ? String(error.code) : "";
  const at = `dial tcp ${host.includes(":") ? `[${host}]` : host}:${port}`;
  if (code === "ENOTFOUND") return `dial tcp: lookup ${host}: no such host`;
  if (code === "ETIMEDOUT") return `${at}: i/o timeout`;
  const why = dialFailures[code];
  return why === undefined ? error.message : `${at}: connect: ${why}`;
}

const dialFailures: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  EHOSTUNREACH: "no route to host",
  ENETUNREACH: "network is unreachable",
};
