import { tmpdir } from "node:os";
import { join } from "node:path";
import { podLogFolders } from "../../../agent/logs/folders.ts";
import { NodeSearches } from "../../../agent/logs/node-searches.ts";
import { openNodeAccess } from "../../../agent/server/access/node-access.ts";
import type { Reviews } from "../../../agent/server/access/reviews.ts";
import type { ServerDeps } from "../../../agent/server/callers.ts";
import { type AgentServer, startServer } from "../../../agent/server/server.ts";
import { readMachineUse } from "../../../agent/stats/machine-use.ts";
import { StatsSampler } from "../../../agent/stats/sampler.ts";
import { type Certificate, issueCertificate } from "../../../base/os/pki.ts";
import { testOs } from "../testing.ts";

/** For a node that API servers alone ask. */
const noReviews: Reviews = {
  caller: async () => undefined,
  may: async () => false,
};

/** A node's agent as far as it serves the API server: what runs on it a test says. */
export async function startTestNode(
  authority: Certificate,
  { nodeName = "n1", ...deps }: Partial<ServerDeps> & { readonly nodeName?: string },
  address = "127.0.0.1",
): Promise<AgentServer> {
  const { certificatePem, privateKeyPem } = await issueCertificate(authority, {
    commonName: `system:node:${nodeName}`,
    addresses: [address],
    usage: "server",
  });
  const os = testOs();
  const nothing = {
    listPodSandboxes: () => [],
    listContainers: () => [],
  } as unknown as ServerDeps["runtime"];
  const runtime = deps.runtime ?? nothing;
  const sampler = new StatsSampler({ runtime, machine: readMachineUse, clock: os.clock, log: os.log });
  const stats = {
    ...{ nodeName, rootDir: tmpdir(), imageDir: async () => tmpdir(), layersWithImages: false },
    ...{ bootMs: 0, sampler, volumes: { current: () => new Map() } },
    ...{ containers: { current: () => new Map() }, pods: () => [] },
    ...{ cadvisor: { text: async () => "" }, probes: { text: () => "" } },
  };
  const searches = new NodeSearches({
    ...podLogFolders(join(tmpdir(), "no-logs")),
    components: [],
    audit: [],
  });
  const all: ServerDeps = { os, runtime, pods: () => [], nodeIp: address, stats, searches, ...deps };
  const server = await startServer(
    { address, port: 0, certificatePem, privateKeyPem, clientCaPem: authority.certificatePem },
    { os, refusal: openNodeAccess(noReviews, os), settings: {}, deps: () => all },
  );
  return {
    ...server,
    close: () => {
      sampler.close();
      return server.close();
    },
  };
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
