import { runSimulation, type SimulatedPower, type Simulation } from "../agent/simulate/simulate.ts";
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
import type { ClusterNetwork } from "./cluster-network.ts";
import type { ClusterCredentials } from "./credentials.ts";

const quiet = { env: {} };

/** One of several where `identity` is given: only the one that holds the lease works. */
export function startScheduler(client: RestClient, os: Os, identity?: string): Running {
  const { flags } = parseFlags(schedulerFlags, [`--leader-elect=${identity !== undefined}`], quiet);
  const config = bareSchedulerConfig(flags);
  const { election } = config;
  return runScheduler({ ...config, election: election && { ...election, identity } }, client, os);
}

const file = { authority: "ca.pem", authorityKey: "ca-key.pem", accountKey: "service-accounts-key.pem" };

/** All controllers, with the cluster's own authority, which stands in no file. Likewise one of several. */
export function startControllers(
  { credentials, network }: { readonly credentials: ClusterCredentials; readonly network: ClusterNetwork },
  client: RestClient,
  os: Os,
  identity?: string,
): Running {
  const { authority, accountKey } = credentials;
  const texts = new Map([
    [file.authority, authority.certificatePem],
    [file.authorityKey, authority.privateKeyPem],
    [file.accountKey, accountKey.privatePem],
  ]);
  const { flags } = parseFlags(
    controllerManagerFlags,
    [
      `--leader-elect=${identity !== undefined}`,
      "--allocate-node-cidrs",
      `--cluster-cidr=${network.podRange}`,
      `--service-cluster-ip-range=${network.serviceRange}`,
      "--service-load-balancer=nodes",
      ...network.controllerFlags,
      `--root-ca-file=${file.authority}`,
      `--service-account-private-key-file=${file.accountKey}`,
      `--cluster-signing-cert-file=${file.authority}`,
      `--cluster-signing-key-file=${file.authorityKey}`,
    ],
    quiet,
  );
  const bare = controllerManagerConfig(flags);
  const config = {
    ...bare,
    election: bare.election && { ...bare.election, identity },
    readText: (path: string) => {
      const text = texts.get(path);
      if (text === undefined) throw new Error(`there is no ${path}`);
      return text;
    },
  };
  return runControllers({ config, controllers: selectControllers(controllerTable, config) }, client, os);
}

/** Nodes whose pods run nothing. */
export function startNodes(
  simulated: Pick<Simulation, "machines" | "stages" | "behaviours">,
  client: RestClient,
  os: Os,
): Running & SimulatedPower {
  const tasks = new TaskScope(os.log);
  const simulation = { ...simulated, podRange: "100.64.0.0/10", hostIp: "127.0.0.1", leaseSeconds: 40 };
  const power = runSimulation(simulation, { client, tasks, os });
  return { ...power, done: tasks.untilStopped(), stop: () => tasks.stop() };
}
