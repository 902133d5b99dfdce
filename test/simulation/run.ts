import { parseArgs } from "node:util";
import { below, systemRandom } from "../../base/os/random.ts";
import { describeOptions, type SimOptions, swarmOptions } from "./options.ts";
import { simulate, type Verdict } from "./simulate.ts";

/** Seeds one after the other, from one drawn at random or from the one that is given, until there were so many or the time is
 *  over. Exits 1 when a property breaks, with the way to see it again. */
const usage =
  "usage: npm run sim -- [--seeds N] [--minutes M] [--seed FIRST] [--ticks SIMULATED_MS] [--verbose]";
const seedsDefault = 20;
/** Seeds drawn at random lie below. */
const seedMax = 2 ** 31;

interface Run {
  readonly seeds: number;
  readonly first: number;
  readonly endMs: number;
  readonly given: Partial<SimOptions>;
  readonly verbose: boolean;
}

function readRun(): Run {
  const { values } = parseArgs({
    options: {
      seeds: { type: "string" },
      seed: { type: "string" },
      minutes: { type: "string" },
      ticks: { type: "string" },
      verbose: { type: "boolean", default: false },
    },
  });
  const number = (name: string, text: string | undefined, otherwise: number): number => {
    const value = text === undefined ? otherwise : Number(text);
    if (Number.isSafeInteger(value) && value > 0) return value;
    throw new Error(`--${name}: "${text}" must be a whole number above 0`);
  };
  const isTimed = values.minutes !== undefined;
  const minutes = isTimed ? number("minutes", values.minutes, 1) : Number.POSITIVE_INFINITY;
  const seedsWanted = isTimed ? Number.POSITIVE_INFINITY : seedsDefault;
  const stormMs = values.ticks === undefined ? {} : { stormMs: number("ticks", values.ticks, 1) };
  return {
    seeds:
      values.seeds === undefined
        ? values.seed === undefined
          ? seedsWanted
          : 1
        : number("seeds", values.seeds, 1),
    first: number("seed", values.seed, 1 + below(systemRandom, seedMax)),
    endMs: performance.now() + minutes * 60_000,
    given: stormMs,
    verbose: values.verbose,
  };
}

function tellFailure({ options, violation, lastEvents, events, digest }: Verdict, { given }: Run): void {
  const again = `npm run sim -- --seed ${options.seed}${given.stormMs === undefined ? "" : ` --ticks ${given.stormMs}`}`;
  console.log(`\nseed ${options.seed} broke a property`);
  console.log(`options: ${describeOptions(options)}`);
  console.log(`events: ${events}, digest ${digest}; the last ones:`);
  for (const event of lastEvents) console.log(`  ${event}`);
  console.log(`\n${violation?.message}`);
  console.log(`replay: ${again}`);
}

async function main(): Promise<void> {
  const run = readRun();
  console.log(`base seed ${run.first}`);
  const startMs = performance.now();
  const tookS = () => ((performance.now() - startMs) / 1_000).toFixed(1);
  let passed = 0;
  let simulatedMs = 0;
  const failed: number[] = [];
  for (let i = 0; i < run.seeds && performance.now() < run.endMs; i++) {
    const seed = run.first + i;
    const verdict = await simulate(swarmOptions(seed, run.given));
    simulatedMs += verdict.figures.simulatedMs ?? 0;
    if (verdict.violation === undefined) passed++;
    else {
      failed.push(seed);
      tellFailure(verdict, run);
    }
    if (run.verbose)
      console.log(
        `seed ${seed}: ${verdict.events} events, digest ${verdict.digest}, ${JSON.stringify(verdict.figures)}, ${tookS()} s`,
      );
    else if (process.stdout.isTTY)
      process.stdout.write(`\r${i + 1} seeds, ${failed.length} failed, ${tookS()} s `);
  }
  if (process.stdout.isTTY && !run.verbose) process.stdout.write("\n");
  const simulatedHours = (simulatedMs / 3_600_000).toFixed(2);
  console.log(`${passed} passed, ${failed.length} failed; ${simulatedHours} simulated hours in ${tookS()} s`);
  for (const seed of failed) console.log(`replay: npm run sim -- --seed ${seed}`);
  process.exitCode = failed.length === 0 ? 0 : 1;
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  console.error(usage);
  process.exitCode = 2;
}
