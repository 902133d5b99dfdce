import { command, OperatorError } from "../command.ts";
import { type ComponentState, isAlive, requireClusterState } from "./cluster-state.ts";
import { clusterLayout, defaultFolder } from "./layout.ts";
import { leaders } from "./leaders.ts";

const flags = {
  "data-dir": {
    kind: "string",
    help: "the cluster's folder (default $PINTLE_HOME or ~/.pintle)",
    value: "DIR",
  },
} as const;

export const killCommand = command({
  name: "kill",
  summary: "kill -9 a component, to try failure by hand; `up` starts it again",
  usage: "COMPONENT | store-leader | scheduler-leader | controller-manager-leader",
  words: ["component", "none"],
  flags,
  envPrefix: "PINTLE_",
  examples: ["pintle kill store-leader", "pintle kill node-1", "pintle kill apiserver-2"],
  async run({ flags: given, words }, io) {
    const layout = clusterLayout(defaultFolder(given["data-dir"], io.env));
    const state = requireClusterState(layout);
    const [name] = words;
    const names = state.components.map((component) => component.name);
    if (name === undefined)
      throw new OperatorError(`which component? One of ${names.join(", ")}, or KIND-leader`);
    const target = await find(name, state.components, () => leaders(layout, state));
    if (target === undefined)
      throw new OperatorError(`no component "${name}"; there are ${names.join(", ")}`);
    if (!isAlive(target.pid) || target.pid === null) throw new OperatorError(`${target.name} is not running`);
    process.kill(target.pid, "SIGKILL");
    io.stdout(`killed ${target.name} (process ${target.pid})\n`);
    return 0;
  },
});

async function find(
  name: string,
  components: readonly ComponentState[],
  whoLeads: () => Promise<ReadonlyMap<string, string>>,
): Promise<ComponentState | undefined> {
  const kind = /^(store|scheduler|controller-manager)-leader$/.exec(name)?.[1];
  const wanted = kind === undefined ? name : (await whoLeads()).get(kind);
  if (wanted === undefined) throw new OperatorError(`no ${kind} leads right now; try again in a moment`);
  return components.find((component) => component.name === wanted);
}
