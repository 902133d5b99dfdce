import { writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { below, Prng, systemRandom } from "../../../base/os/random.ts";
import { chaos } from "./chaos.ts";
import { hasPrivateNetwork, runInPrivateNetwork } from "./private-network.ts";
import type { Trouble } from "./trouble.ts";
import { troubles } from "./troubles.ts";

/** Real members under load, to which something is done all the time. Exits 1 when a property breaks. */
const usage =
  "usage: npm run chaos -- [--minutes M | --once] [--seed N] [--only TROUBLE,…] [--report FILE.svg] [--logs FOLDER]";

async function main(): Promise<void> {
  const status = hasPrivateNetwork() ? undefined : await runInPrivateNetwork();
  if (status === undefined) await run();
  else process.exitCode = status;
}

async function run(): Promise<void> {
  const { values } = parseArgs({
    options: {
      minutes: { type: "string", default: "2" },
      once: { type: "boolean", default: false },
      seed: { type: "string" },
      only: { type: "string" },
      report: { type: "string" },
      logs: { type: "string" },
    },
  });
  const minutes = Number(values.minutes);
  const seed = values.seed === undefined ? 1 + below(systemRandom, 2 ** 31) : Number(values.seed);
  if (!(minutes > 0) || !Number.isSafeInteger(seed)) throw new Error("--minutes and --seed must be numbers");
  console.log(`seed ${seed}`);
  const until = values.once ? 0 : performance.now() + minutes * 60_000;
  const verdict = await chaos(new Prng(seed), {
    troubles: values.only === undefined ? troubles : chosen(values.only.split(",")),
    isOver: () => performance.now() >= until,
    pause: () => sleep(1_000),
    tell: (line) => console.log(line),
    logs: values.logs,
  });
  if (values.report !== undefined) writeFileSync(values.report, verdict.picture);
  for (const problem of verdict.problems) console.log(`broken: ${problem}`);
  console.log(verdict.summary);
  process.exitCode = verdict.problems.length === 0 ? 0 : 1;
}

function chosen(names: readonly string[]): Readonly<Record<string, Trouble>> {
  return Object.fromEntries(
    names.map((name) => {
      const trouble = troubles[name];
      if (trouble === undefined)
        throw new Error(`--only: ${name} is none of ${Object.keys(troubles).join(", ")}`);
      return [name, trouble];
    }),
  );
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  console.error(usage);
  process.exitCode = 2;
}
