import { UsageError } from "../../base/os/flags.ts";
import { command, OperatorError } from "../command.ts";
import { connectionFlags } from "../kubectl/flags.ts";
import { defaultFolder } from "../up/layout.ts";
import { type Check, checksText } from "./check.ts";
import { examineCluster, examineMachine } from "./examine.ts";

const flags = {
  ...connectionFlags,
  "data-dir": {
    kind: "string",
    value: "DIR",
    help: "where a local cluster has its data, or would ($PINTLE_HOME or ~/.pintle)",
  },
  only: {
    kind: "string",
    value: "WHAT",
    choices: ["machine", "cluster"],
    help: "look at this alone (the machine; the cluster, too, where there is a kubeconfig)",
  },
  output: { kind: "string", short: "o", value: "FORM", choices: ["json"], help: "checks as data" },
} as const;

/** Something is wrong. */
const foundStatus = 3;

export const doctorCommand = command({
  name: "doctor",
  summary: "check this machine and the cluster",
  flags,
  envPrefix: "PINTLE_",
  examples: ["pintle doctor", "pintle doctor --only machine", "pintle doctor -o json"],
  async run({ flags: given }, io) {
    const folder = defaultFolder(given["data-dir"], io.env);
    const checks: Check[] = [];
    if (given.only !== "cluster") checks.push(...(await examineMachine(folder)));
    if (given.only !== "machine") {
      let client: ReturnType<typeof io.client> | undefined;
      try {
        client = io.client(given);
      } catch (error) {
        // Without a cluster there is the machine; where one was named, it is to be there.
        const isThere = !(error instanceof UsageError || error instanceof OperatorError);
        if (isThere || given.only === "cluster" || given.kubeconfig !== undefined) throw error;
        checks.push({ of: "cluster", name: "kubeconfig", state: "unknown", says: error.message });
      }
      if (client !== undefined) checks.push(...(await examineCluster(client, folder, io.signal)));
    }
    io.stdout(given.output === "json" ? `${JSON.stringify({ checks }, undefined, 2)}\n` : checksText(checks));
    return checks.some(({ state }) => state === "error") ? foundStatus : 0;
  },
});
