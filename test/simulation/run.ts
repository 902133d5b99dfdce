import { parseArgs } from "node:util";
import { below, systemRandom } from "../../base/os/random.ts";
import { describeOptions, type SimOptions } from "./options.ts";
import { runHere, runInProcesses } from "./seed-pool.ts";
import type { SeedReport } from "./seed-report.ts";

/** Seeds from one drawn at random or from the one that is given, until there were so many or the time is over. Exits 1 when a
 *  property breaks, with the way to see it again. */
const usage =
  "usage: npm run sim -- [--seeds N] [--minutes M] [--jobs PROCESSES] [--seed FIRST] [--ticks SIMULATED_MS] [--verbose]";
const help = `Whole store members on a simulated clock, network and disk; one seed is one life of a cluster.

${usage}

  --seeds N          so many seeds (20, or as many as --minutes allow)
  --minutes M        begin no seed after so many minutes
  --jobs PROCESSES   so many seeds at a time, each in a process (1)
  --seed FIRST       from this seed on (drawn at random, and told); alone: this one only
  --ticks MS         so many simulated milliseconds with faults, in place of what each seed draws
  --verbose          a line a seed

Exits 1 when a property broke, and tells how to see it again.

  npm run sim -- --seeds 300 --jobs 2
  npm run sim -- --seed 1434846963`;
const seedsDefault = 20;
/** Seeds drawn at random lie below. */
const seedMax = 2 ** 31;
const tellEveryMs = 60_000;

interface Run {
  readonly seeds: number;
  readonly first: number;
  readonly endMs: number;
  readonly jobs: number;
  readonly given: Partial<SimOptions>;
  readonly verbose: boolean;
}

function readRun(): Run | undefined {
  const { values } = parseArgs({
    options: {
      seeds: { type: "string" },
      seed: { type: "string" },
      minutes: { type: "string" },
      jobs: { type: "string" },
      ticks: { type: "string" },
      verbose: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return undefined;
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
    jobs: number("jobs", values.jobs, 1),
    given: stormMs,
    verbose: values.verbose,
  };
}

/** What came of the seeds so far. */
class Tally {
  readonly #run: Run;
  readonly #startMs = performance.now();
  readonly #failed: number[] = [];
  #passed = 0;
  #simulatedMs = 0;
  #toldMs = performance.now();

  constructor(run: Run) {
    this.#run = run;
  }

  get failed(): readonly number[] {
    return this.#failed;
  }

  told(report: SeedReport): void {
    const { options, broken, events, digest, figures } = report;
    this.#simulatedMs += figures.simulatedMs ?? 0;
    if (broken === undefined) this.#passed++;
    else {
      this.#failed.push(options.seed);
      tellFailure(report, this.#run);
    }
    if (this.#run.verbose)
      console.log(
        `seed ${options.seed}: ${events} events, digest ${digest}, ${JSON.stringify(figures)}, ${this.#tookS} s`,
      );
    else if (performance.now() - this.#toldMs > tellEveryMs) this.tell();
  }

  tell(): void {
    this.#toldMs = performance.now();
    const hours = (this.#simulatedMs / 3_600_000).toFixed(2);
    console.log(
      `${this.#passed} passed, ${this.#failed.length} failed; ${hours} simulated hours in ${this.#tookS} s`,
    );
  }

  get #tookS(): string {
    return ((performance.now() - this.#startMs) / 1_000).toFixed(1);
  }
}

const replay = (seed: number, { given }: Run): string =>
  `replay: npm run sim -- --seed ${seed}${given.stormMs === undefined ? "" : ` --ticks ${given.stormMs}`}`;

function tellFailure({ options, broken, lastEvents, events, digest }: SeedReport, run: Run): void {
  console.log(`\nseed ${options.seed} broke a property`);
  console.log(`options: ${describeOptions(options)}`);
  console.log(`events: ${events}, digest ${digest}; the last ones:`);
  for (const event of lastEvents) console.log(`  ${event}`);
  console.log(`\n${broken}`);
  console.log(replay(options.seed, run));
}

async function main(): Promise<void> {
  const run = readRun();
  if (run === undefined) return console.log(help);
  const { first, seeds, endMs, jobs, given } = run;
  console.log(`base seed ${first}`);
  let isStopping = false;
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.once(signal, () => {
      isStopping = true;
    });
  const tally = new Tally(run);
  let begun = 0;
  const next = () =>
    begun < seeds && performance.now() < endMs && !isStopping ? first + begun++ : undefined;
  const seedRun = { next, given, told: (report: SeedReport) => tally.told(report) };
  await (jobs === 1 ? runHere(seedRun) : runInProcesses(jobs, seedRun));
  tally.tell();
  for (const seed of tally.failed) console.log(replay(seed, run));
  process.exitCode = tally.failed.length === 0 ? 0 : 1;
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  console.error(usage);
  process.exitCode = 2;
}
