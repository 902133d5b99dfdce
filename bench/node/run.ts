import { flagHelp, parseFlags, UsageError } from "../../base/os/flags.ts";
import { asCommand } from "../as-command.ts";
import { measureNode } from "./measure.ts";

const flags = {
  pods: { kind: "integer", default: 110, help: "pods that are started at once, and then stay" },
  singles: { kind: "integer", default: 100, help: "pods that are started one after the other before" },
  runtime: { kind: "string", default: "oci", help: "oci (containers) or process" },
  help: { kind: "boolean", default: false, short: "h", help: "show this" },
} as const;

async function main(argv: readonly string[]): Promise<void> {
  const { flags: given } = parseFlags(flags, argv);
  const say = (text: string) => void process.stdout.write(`${text}\n`);
  if (given.help) return say(`npm run bench:node -- [flags]\n${flagHelp(flags)}`);
  if (given.pods < 1 || given.pods > 110)
    throw new UsageError("--pods: must be 1 to 110, which a node takes");
  if (given.singles < 1) throw new UsageError("--singles: must be positive");
  const { singleMs, allSeconds, agentMb } = await measureNode({ ...given, say });
  const sorted = [...singleMs].sort((a, b) => a - b);
  const at = (share: number) => (sorted[Math.ceil(sorted.length * share) - 1] ?? 0).toFixed(0);
  say(`a pod, from create to Running: median ${at(0.5)} ms, p99 ${at(0.99)} ms, of ${sorted.length}`);
  say(`${given.pods} pods, from create to Running: ${allSeconds.toFixed(1)} s`);
  const each = (agentMb.after - agentMb.before) / given.pods;
  say(
    `the agent: ${agentMb.before.toFixed(0)} MB before, ${agentMb.after.toFixed(0)} MB with them, ${each.toFixed(2)} MB a pod`,
  );
}

await asCommand(main);
