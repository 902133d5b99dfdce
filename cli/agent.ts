import { startAgent } from "../agent/agent.ts";
import { agentConfig, agentFlags } from "../agent/flags.ts";
import { letPodsRead } from "../agent/pod-umask.ts";
import { componentCommand } from "./run-component.ts";

export const agentCommand = componentCommand({
  name: "agent",
  summary: "run a node: its pods, probes, volumes and Services",
  flags: agentFlags,
  examples: ["pintle agent --node-name node-1 --kubeconfig node-1.kubeconfig"],
  async start(flags, os) {
    letPodsRead();
    return startAgent(agentConfig(flags), os);
  },
});
