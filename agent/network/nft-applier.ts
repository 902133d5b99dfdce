import { emptyRuleset, type Ruleset, rulesetChange } from "./nft-ruleset.ts";
import { nft } from "./nft-text.ts";
import { runProgram } from "./programs.ts";

/** Keeps one table of the kernel equal to the newest ruleset handed in. Calls queue up; the kernel takes each change whole
 *  or not at all. */
export interface RulesetApplier {
  apply(ruleset: Ruleset): Promise<void>;
  /** Whether the kernel would take this ruleset by itself; rejects with its words where it would not. */
  check(ruleset: Ruleset): Promise<void>;
  remove(): Promise<void>;
}

export function openApplier(table: string): RulesetApplier {
  let current: Ruleset | undefined;
  let queue: Promise<void> = Promise.resolve();
  const inTurn = (work: () => Promise<void>): Promise<void> => {
    const done = queue.then(work);
    queue = done.then(
      () => undefined,
      () => undefined, // the caller hears of it through `done`; the next in line goes on
    );
    return done;
  };
  const removal = nft`add table ip ${table}\ndelete table ip ${table}\n`.text;
  // What a predecessor left is unknown: begin with an empty table.
  const fresh = `${removal}${nft`add table ip ${table}\n`.text}`;
  return {
    apply: (ruleset) =>
      inTurn(async () => {
        const change = rulesetChange(table, current ?? emptyRuleset, ruleset);
        if (current !== undefined && change === "") return;
        try {
          await runProgram("nft", ["-f", "-"], current === undefined ? fresh + change : change);
          current = ruleset;
        } catch (error) {
          current = undefined; // begin anew next time
          throw error;
        }
      }),
    check: async (ruleset) => {
      await runProgram("nft", ["-c", "-f", "-"], fresh + rulesetChange(table, emptyRuleset, ruleset));
    },
    remove: () =>
      inTurn(async () => {
        await runProgram("nft", ["-f", "-"], removal);
        current = undefined;
      }),
  };
}
