import { join } from "node:path";
import { runScripts } from "../../base/script-test.ts";
import { ScriptState } from "./fixtures/script-state.ts";

describe("store/apply, step by step", () => {
  runScripts(join(import.meta.dirname, "testdata"), () => {
    const state = new ScriptState();
    return (command) => state.run(command);
  });
});
