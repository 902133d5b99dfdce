const { PINTLE_FUZZ_RUNS, PINTLE_FUZZ_SEED } = process.env;

/** How often a property is tried: a few times by the unit tests, as often as asked otherwise. */
export const runs = (few: number) => ({
  numRuns: PINTLE_FUZZ_RUNS === undefined ? few : Number(PINTLE_FUZZ_RUNS),
  ...(PINTLE_FUZZ_SEED !== undefined && { seed: Number(PINTLE_FUZZ_SEED) }),
});

/** No property is timed: a busy machine takes what it takes. */
export const propertyMs = 3_600_000;
