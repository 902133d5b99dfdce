import { flagHelp, parseFlags } from "../../base/os/flags.ts";
import { asCommand } from "../as-command.ts";
import { etcdProgram, pintleProgram, startSide } from "../peers.ts";
import { spread } from "../spread.ts";
import { fill, rejoin } from "./rejoin.ts";

const flags = {
  megabytes: { kind: "integer", default: 1024, help: "what the member has to be sent" },
  seconds: { kind: "integer", default: 10, help: "how long the throughput before is measured" },
  bytes: { kind: "integer", default: 256, help: "of a value that clients put meanwhile" },
  rounds: { kind: "integer", default: 3, help: "how often a member is lost, on each side" },
  etcd: { kind: "list", default: ["etcd"], value: "PATHS", help: "programs of etcd to compare with" },
  help: { kind: "boolean", default: false, short: "h", help: "show this" },
} as const;

async function main(argv: readonly string[]): Promise<void> {
  const { flags: given } = parseFlags(flags, argv);
  const say = (text: string) => void process.stdout.write(text);
  if (given.help) {
    say(`npm run bench:rejoin -- [flags]\n${flagHelp(flags)}\n`);
    return;
  }
  const programs = [pintleProgram(), ...(await Promise.all(given.etcd.map(etcdProgram)))];
  for (const program of programs) {
    const side = await startSide(program, { members: 3, tls: false });
    try {
      say(`${program.name}: writing ${given.megabytes} MB …\n`);
      await fill(side, given.megabytes);
      for (let round = 1; round <= given.rounds; round++) {
        const { beforePerSecond, windowsPerSecond, seconds, failures } = await rejoin(side, {
          beforeSeconds: given.seconds,
          valueBytes: given.bytes,
        });
        const mean = windowsPerSecond.reduce((sum, rate) => sum + rate, 0) / windowsPerSecond.length;
        const { min } = spread(windowsPerSecond);
        const kept = (rate: number) => `${((100 * rate) / beforePerSecond).toFixed(0)} %`;
        say(
          `${program.name}: back after ${seconds.toFixed(1)} s; of ${Math.round(beforePerSecond)} puts a second ` +
            `${kept(mean)} remained meanwhile, ${kept(min)} in the worst second; ${failures} failed\n`,
        );
      }
    } finally {
      await side.stop();
    }
  }
}

await asCommand(main);
