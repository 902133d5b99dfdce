import { startAgent } from "../agent/agent.ts";
import { agentConfig, agentFlags } from "../agent/flags.ts";
import { letPodsRead } from "../agent/pod-umask.ts";
import { simulationConfig, simulationFlags } from "../agent/simulate/flags.ts";
import { startSimulatedNodes } from "../agent/simulate/simulate.ts";
import { componentCommand } from "./run-component.ts";

export const agentCommand = componentCommand({
  name: "agent",
  summary: "run a node: its pods, probes, volumes and Services",
  flags: { ...agentFlags, ...simulationFlags },
  examples: [
    "pintle agent --node-name node-1 --kubeconfig node-1.kubeconfig",
    "pintle agent --simulate 5000 --node-name sim --kubeconfig ~/.pintle/kubeconfig",
  ],
  async start(flags, os) {
    const simulation = simulationConfig(flags);
    if (simulation !== undefined) return startSimulatedNodes(simulation, os);
    letPodsRead();
    return startAgent(agentConfig(flags), os);
  },
});
