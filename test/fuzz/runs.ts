const { PINTLE_FUZZ_RUNS, PINTLE_FUZZ_SEED } = process.env;

/** How often a property is tried: by the unit tests a few times, the same each time; otherwise as often as asked, by chance. */
export const runs = (few: number) => {
  const isLong = PINTLE_FUZZ_RUNS !== undefined;
  const seed = PINTLE_FUZZ_SEED ?? (isLong ? undefined : "1");
  return {
    numRuns: isLong ? Number(PINTLE_FUZZ_RUNS) : few,
    ...(seed !== undefined && { seed: Number(seed) }),
  };
};

/** No property is timed: a busy machine takes what it takes. */
export const propertyMs = 3_600_000;
