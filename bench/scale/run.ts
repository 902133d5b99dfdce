import { writeFileSync } from "node:fs";
import { flagHelp, parseFlags } from "../../base/os/flags.ts";
import { asCommand } from "../as-command.ts";
import { measureScale } from "./measure.ts";
import { markdown } from "./report.ts";

const flags = {
  nodes: { kind: "integer", default: 5000, help: "simulated nodes" },
  pods: { kind: "integer", default: 10_000, help: "replicas of the Deployment" },
  seconds: { kind: "integer", default: 60, help: "how long all of it is measured at rest" },
  most: { kind: "integer", default: 180, help: "seconds after which nothing is waited for any more" },
  out: { kind: "string", default: "bench/scale-report.md", help: "the report" },
  help: { kind: "boolean", default: false, short: "h", help: "show this" },
} as const;

async function main(argv: readonly string[]): Promise<void> {
  const { flags: given } = parseFlags(flags, argv);
  if (given.help) {
    process.stdout.write(`npm run bench:scale -- [flags]\n${flagHelp(flags)}\n`);
    return;
  }
  const { nodes, pods, seconds, most } = given;
  const say = (text: string) => void process.stdout.write(`  ${text}\n`);
  const text = markdown(await measureScale({ nodes, pods, seconds, mostMs: most * 1000, say }), {
    nodes,
    pods,
  });
  writeFileSync(given.out, text);
  process.stdout.write(`\n${text}\n${given.out}\n`);
}

await asCommand(main);
