import { type SimOptions, swarmOptions } from "./options.ts";
import { simulate } from "./simulate.ts";

/** What became of one seed, in words and numbers, so that it can be told from one process to another. */
export interface SeedReport {
  readonly options: SimOptions;
  /** The property that broke, and how. */
  readonly broken: string | undefined;
  readonly lastEvents: readonly string[];
  readonly events: number;
  readonly digest: string;
  readonly figures: Readonly<Record<string, number>>;
}

export async function reportOf(seed: number, given: Partial<SimOptions>): Promise<SeedReport> {
  const { violation, ...rest } = await simulate(swarmOptions(seed, given));
  return { ...rest, broken: violation?.message };
}
