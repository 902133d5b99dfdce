import { startAgent } from "../agent/agent.ts";
import { agentConfig, agentFlags } from "../agent/flags.ts";
import { componentCommand } from "./run-component.ts";

export const agentCommand = componentCommand({
  name: "agent",
  summary: "run a node: its pods, probes, volumes and Services",
  flags: agentFlags,
  examples: ["pintle agent --node-name node-1 --kubeconfig node-1.kubeconfig"],
  start: async (flags, os) => startAgent(agentConfig(flags), os),
});
