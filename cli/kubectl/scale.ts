import { UsageError } from "../../base/os/flags.ts";
import { command } from "../command.ts";
import { discover, shownName } from "./discovery.ts";
import { clusterFlags, namespaceOf } from "./flags.ts";
import { parseTargets } from "./targets.ts";

const flags = {
  ...clusterFlags,
  replicas: { kind: "integer", value: "N", help: "how many there should be" },
} as const;

export const scaleCommand = command({
  name: "scale",
  summary: "set how many replicas run",
  usage: "KIND/NAME... --replicas N",
  words: ["object"],
  flags,
  examples: ["pintle scale deployment/web --replicas 5"],
  async run({ flags: given, words }, io) {
    const { replicas } = given;
    if (replicas === undefined || replicas < 0)
      throw new UsageError("--replicas: a number of 0 or more is needed");
    const client = io.client(given);
    const namespace = namespaceOf(given, client);
    for (const { resource, names } of parseTargets(await discover(client), words)) {
      if (names.length === 0) throw new UsageError("which one? For example: deployment/web");
      for (const name of names) {
        const patch = { spec: { replicas } };
        await client.patch(resource, { name, namespace }, patch, { type: "merge", subresource: "scale" });
        io.stdout(`${shownName(resource, name)} scaled\n`);
      }
    }
    return 0;
  },
});
