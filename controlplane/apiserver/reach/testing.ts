import type { ServerDeps } from "../../../agent/server/callers.ts";
import { type AgentServer, startServer } from "../../../agent/server/server.ts";
import { type Certificate, issueCertificate } from "../../../base/os/pki.ts";
import { testOs } from "../testing.ts";

/** A node's agent as far as it serves the API server: what runs on it a test says. */
export async function startTestNode(
  authority: Certificate,
  deps: Partial<ServerDeps>,
  address = "127.0.0.1",
): Promise<AgentServer> {
  const { certificatePem, privateKeyPem } = await issueCertificate(authority, {
    commonName: "system:node:n1",
    addresses: [address],
    usage: "server",
  });
  const os = testOs();
  const nothing = {
    listPodSandboxes: () => [],
    listContainers: () => [],
  } as unknown as ServerDeps["runtime"];
  const all: ServerDeps = { os, runtime: nothing, pods: () => [], nodeIp: address, ...deps };
  return startServer(
    { address, port: 0, certificatePem, privateKeyPem, clientCaPem: authority.certificatePem },
    { os, deps: () => all },
  );
}

/** The Node object of such a node. */
export function testNode(name: string, port: number, address = "127.0.0.1") {
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name },
    status: {
      addresses: [{ type: "InternalIP", address }],
      daemonEndpoints: { kubeletEndpoint: { Port: port } },
    },
  };
}
