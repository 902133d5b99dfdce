import { startAgent } from "../agent/agent.ts";
import { agentConfig, agentFlags, nodeNameOf } from "../agent/flags.ts";
import { hideToken, joinConfig } from "../agent/identity/flags.ts";
import { becomeMember } from "../agent/identity/join.ts";
import { letPodsRead } from "../agent/pod-umask.ts";
import { simulationConfig, simulationFlags } from "../agent/simulate/flags.ts";
import { startSimulatedNodes } from "../agent/simulate/simulate.ts";
import { type FlagValues, UsageError } from "../base/os/flags.ts";
import type { Os, Running } from "../base/os/os.ts";
import { tracingFlags, tracingOfFlags } from "../base/tracing/flags.ts";
import { withTracing } from "../base/tracing/with-tracing.ts";
import { type ComponentCall, componentCommand } from "./run-component.ts";

export const agentCommand = componentCommand({
  name: "agent",
  summary: "run a node: its pods, probes, volumes and Services",
  flags: { ...agentFlags, ...tracingFlags, ...simulationFlags },
  examples: [
    "pintle agent --node-name node-1 --kubeconfig node-1.kubeconfig",
    "pintle agent --server https://10.0.0.1:6443 --token-file token --discovery-token-ca-cert-hash sha256:…",
    "pintle agent --server https://10.0.0.1:6443                # once it has joined",
    "pintle agent --simulate 5000 --node-name sim --kubeconfig ~/.pintle/kubeconfig",
  ],
  async start(flags, os, call) {
    const problems: string[] = [];
    const tracing = tracingOfFlags(flags, problems);
    if (problems.length > 0) throw new UsageError(problems.join("\n"));
    return withTracing(tracing, { name: "kubelet", instance: nodeNameOf(flags) }, os, (own) =>
      startNode(flags, own, call),
    );
  },
});

type Given = FlagValues<typeof agentFlags & typeof simulationFlags>;

async function startNode(flags: Given, os: Os, { signal }: ComponentCall): Promise<Running> {
  hideToken(flags, process);
  const simulation = simulationConfig(flags);
  if (simulation !== undefined) return startSimulatedNodes(simulation, os);
  letPodsRead();
  const join = joinConfig(flags, nodeNameOf(flags));
  // What is wrong with the others is said before the cluster is asked.
  const config = agentConfig(flags);
  const readManifest = config.manifests === undefined ? undefined : await manifestReader();
  if (join === undefined) return startAgent(config, os, { readManifest });
  const member = await becomeMember(join, { ...os, log: os.log.child("join") }, signal);
  const { nodeIp, podRange, serviceRange } = member.cluster;
  const settled = {
    ...flags,
    "node-ip": flags["node-ip"] ?? nodeIp,
    "cluster-cidr": flags["cluster-cidr"] ?? podRange,
    "service-cluster-ip-range": flags["service-cluster-ip-range"] ?? serviceRange,
  };
  return startAgent(agentConfig(settled), os, { member, readManifest });
}

/** The server's own rules, which a node without static pods has no need of. */
async function manifestReader() {
  const { podOfManifest } = await import("../controlplane/apiserver/pod-manifest.ts");
  return podOfManifest;
}
