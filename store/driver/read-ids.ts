import { type Random, randomId } from "../../base/os/random.ts";
import type { DriverConfig } from "./config.ts";
import { ReadRounds } from "./read-rounds.ts";

/** A read is asked again after this share of an election timeout. */
const retryShare = 0.5;
/** etcd's request timeout: 5 s, and time for an election. */
const timeoutBaseMs = 5_000;

/** Rounds whose ids count up from a random 64-bit start: no other life of this member will meet them. */
export function readRounds(config: DriverConfig, random: Random): ReadRounds {
  let last = randomId(random);
  const ticks = (ms: number) => Math.max(1, Math.ceil(ms / config.heartbeatMs));
  return new ReadRounds({
    nextId: () => {
      last = BigInt.asUintN(64, last + 1n);
      return last;
    },
    retryTicks: ticks(config.electionMs * retryShare),
    timeoutTicks: ticks(timeoutBaseMs + 2 * config.electionMs),
  });
}
