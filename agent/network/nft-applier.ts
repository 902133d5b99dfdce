import { emptyRuleset, type Ruleset, rulesetChange } from "./nft-ruleset.ts";
import { runProgram } from "./programs.ts";

/** Keeps one table of the kernel equal to the newest ruleset handed in. Calls queue up; the kernel takes each change whole
 *  or not at all. */
export interface RulesetApplier {
  apply(ruleset: Ruleset): Promise<void>;
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
  return {
    apply: (ruleset) =>
      inTurn(async () => {
        // What a predecessor left is unknown: begin with an empty table.
        const fresh =
          current === undefined
            ? `add table ip ${table}\ndelete table ip ${table}\nadd table ip ${table}\n`
            : "";
        const change = fresh + rulesetChange(table, current ?? emptyRuleset, ruleset);
        if (change === "") return;
        try {
          await runProgram("nft", ["-f", "-"], change);
          current = ruleset;
        } catch (error) {
          current = undefined; // begin anew next time
          throw error;
        }
      }),
    remove: () =>
      inTurn(async () => {
        await runProgram("nft", ["-f", "-"], `add table ip ${table}\ndelete table ip ${table}\n`);
        current = undefined;
      }),
  };
}
