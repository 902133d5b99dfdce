import { UsageError } from "../../base/os/flags.ts";
import { command } from "../command.ts";
import { clusterFlags, namespaceOf } from "./flags.ts";
import { chooseContainer, choosePod } from "./pod-choice.ts";
import { givenSearchFlag, searchFlags, searchLogs } from "./search-logs.ts";

const flags = {
  ...clusterFlags,
  follow: { kind: "boolean", short: "f", help: "go on showing what comes" },
  container: { kind: "string", short: "c", value: "NAME", help: "which container (the first)" },
  previous: { kind: "boolean", short: "p", help: "of the run before the last restart" },
  tail: { kind: "integer", value: "N", help: "only the last lines" },
  since: { kind: "duration", help: "only what is newer than this" },
  timestamps: { kind: "boolean", help: "with the time of each line" },
  ...searchFlags,
} as const;

const ofOne = ["previous", "tail", "timestamps"] as const;

export const logsCommand = command({
  name: "logs",
  summary: "show what a container wrote, or search what all did",
  usage: "POD | KIND/NAME | --all [QUERY]",
  words: ["pod", "none"],
  flags,
  examples: [
    "pintle logs web-1",
    "pintle logs -f deployment/web --tail 20",
    "pintle logs web-1 -c init --previous",
    "pintle logs --all level=error --since 1h",
    "pintle logs --all -l app=web 'status>=500 or \"connection reset\"' --counts",
    "pintle logs --all --source events type=Warning",
  ],
  async run({ flags: given, words }, io) {
    if (given.all) {
      for (const name of ofOne)
        if (given[name]) throw new UsageError(`--${name}: only of one container, not with --all`);
      return searchLogs(given, words, io);
    }
    const unfit = givenSearchFlag(given);
    if (unfit !== undefined) throw new UsageError(`--${unfit}: only with --all`);
    if (words.length === 0) throw new UsageError("which pod? For example: web-1 or deployment/web");
    const client = io.client(given);
    const pod = await choosePod(client, words, namespaceOf(given, client));
    const options = {
      container: chooseContainer(pod, given.container),
      follow: given.follow || undefined,
      previous: given.previous || undefined,
      timestamps: given.timestamps || undefined,
      tailLines: given.tail === undefined || given.tail < 0 ? undefined : given.tail,
      sinceSeconds: given.since === undefined ? undefined : Math.max(1, Math.ceil(given.since / 1000)),
    };
    const decoder = new TextDecoder();
    try {
      for await (const chunk of client.logs(pod.metadata, options, io.signal))
        io.stdout(decoder.decode(chunk, { stream: true }));
    } catch (error) {
      if (!io.signal.aborted) throw error;
    }
    return 0;
  },
});
