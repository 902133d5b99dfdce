import { agentFlags } from "../agent/flags.ts";
import { simulationConfig, simulationFlags } from "../agent/simulate/flags.ts";
import { type SimulatedPower, simulate } from "../agent/simulate/simulate.ts";
import type { Stage } from "../agent/simulate/stages.ts";
import type { Machine } from "../agent/status/machine.ts";
import { parseFlags } from "../base/os/flags.ts";
import type { Os, Running } from "../base/os/os.ts";
import { TaskScope } from "../base/os/task-scope.ts";
import type { RestClient } from "../client/rest.ts";
import { runControllers } from "../controlplane/controllers/controller-manager.ts";
import { controllerManagerConfig, controllerManagerFlags } from "../controlplane/controllers/flags.ts";
import { selectControllers } from "../controlplane/controllers/select-controllers.ts";
import { controllerTable } from "../controlplane/controllers/table.ts";
import { bareSchedulerConfig, schedulerFlags } from "../controlplane/scheduler/flags.ts";
import { runScheduler } from "../controlplane/scheduler/scheduler.ts";
import type { ClusterCredentials } from "./credentials.ts";

const quiet = { env: {} };

export function startScheduler(client: RestClient, os: Os): Running {
  const { flags } = parseFlags(schedulerFlags, [], quiet);
  return runScheduler(bareSchedulerConfig(flags), client, os);
}

const file = { authority: "ca.pem", authorityKey: "ca-key.pem", accountKey: "service-accounts-key.pem" };

/** All controllers, with the cluster's own authority, which stands in no file. */
export function startControllers(credentials: ClusterCredentials, client: RestClient, os: Os): Running {
  const { authority, accountKey } = credentials;
  const texts = new Map([
    [file.authority, authority.certificatePem],
    [file.authorityKey, authority.privateKeyPem],
    [file.accountKey, accountKey.privatePem],
  ]);
  const { flags } = parseFlags(
    controllerManagerFlags,
    [
      "--allocate-node-cidrs",
      "--cluster-cidr=10.244.0.0/16",
      "--service-cluster-ip-range=10.96.0.0/16",
      "--service-load-balancer=nodes",
      `--root-ca-file=${file.authority}`,
      `--service-account-private-key-file=${file.accountKey}`,
      `--cluster-signing-cert-file=${file.authority}`,
      `--cluster-signing-key-file=${file.authorityKey}`,
    ],
    quiet,
  );
  const config = {
    ...controllerManagerConfig(flags),
    readText: (path: string) => {
      const text = texts.get(path);
      if (text === undefined) throw new Error(`there is no ${path}`);
      return text;
    },
  };
  return runControllers({ config, controllers: selectControllers(controllerTable, config) }, client, os);
}

/** What each simulated node has, unless a test says otherwise. */
export interface NodeSize {
  readonly cpus: number;
  readonly memory: string;
}

/** A machine that is nobody's, so that a run repeats on any. */
const machine: Machine = {
  cpus: 8,
  memoryBytes: 32 * 2 ** 30,
  storageBytes: 2 ** 40,
  hugePages: [],
  architecture: "amd64",
  machineId: "simulated",
  bootId: "simulated",
  kernel: "simulated",
  osImage: "simulated",
  hostname: "simulated",
};

/** Nodes named `node-1` and so on, whose pods run nothing. */
export function startNodes(
  {
    count,
    size,
    stages,
  }: { readonly count: number; readonly size: NodeSize; readonly stages: readonly Stage[] },
  client: RestClient,
  os: Os,
): Running & SimulatedPower {
  const argv = [
    `--simulate=${count}`,
    "--node-name=node",
    "--node-ip=127.0.0.1",
    `--simulate-cpus=${size.cpus}`,
    `--simulate-memory=${size.memory}`,
  ];
  const config = simulationConfig(parseFlags({ ...agentFlags, ...simulationFlags }, argv, quiet).flags);
  if (config === undefined) throw new Error("no node is simulated");
  const tasks = new TaskScope(os.log);
  const power = simulate({ ...config, stages }, { client, tasks, machine, os });
  return { ...power, done: tasks.untilStopped(), stop: () => tasks.stop() };
}
