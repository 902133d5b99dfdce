import { parseArgs } from "node:util";
import { below, Prng, systemRandom } from "../../../base/os/random.ts";
import { missingForMachines } from "../../machines.ts";
import { TroubledCluster } from "./cluster.ts";
import { type Trouble, troubles } from "./troubles.ts";

/** A node in trouble under load, each once and then in no order until the time is over. Exits 1 when something suffers. */
const usage = "usage: npm run chaos:nodes -- [--minutes M] [--seed N] [--only TROUBLE]";

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      minutes: { type: "string", default: "10" },
      seed: { type: "string" },
      only: { type: "string" },
    },
  });
  const minutes = Number(values.minutes);
  const seed = values.seed === undefined ? 1 + below(systemRandom, 2 ** 31) : Number(values.seed);
  if (!(minutes > 0) || !Number.isSafeInteger(seed)) throw new Error("--minutes and --seed must be numbers");
  const missing = missingForMachines();
  if (missing !== undefined) throw new Error(`machines need ${missing}`);
  const all: readonly (readonly [string, Trouble])[] = Object.entries(troubles);
  const chosen = all.filter(([name]) => values.only === undefined || name === values.only);
  if (chosen.length === 0)
    throw new Error(`--only: ${values.only} is none of ${Object.keys(troubles).join(", ")}`);
  console.log(`seed ${seed}`);
  const untilMs = performance.now() + minutes * 60_000;
  const random = new Prng(seed);
  const cluster = await TroubledCluster.start();
  const counts = new Map<string, number>();
  try {
    for (let at = 0; at < chosen.length || performance.now() < untilMs; at++) {
      const [name, trouble] = chosen[at] ?? (chosen[below(random, chosen.length)] as (typeof chosen)[number]);
      const beganMs = performance.now();
      await trouble(cluster);
      counts.set(name, (counts.get(name) ?? 0) + 1);
      console.log(`${name}: ${Math.round(performance.now() - beganMs)} ms`);
    }
    if (!(await cluster.writes.stop())) throw new Error("a write that was acknowledged does not stand");
    console.log(cluster.summary());
    for (const [name, count] of counts) console.log(`${count} × ${name}`);
  } catch (error) {
    console.error(cluster.said());
    console.error(error);
    process.exitCode = 1;
  } finally {
    await cluster.stop();
  }
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  console.error(usage);
  process.exitCode = 2;
}
