import { join } from "node:path";
import { runScripts } from "../../base/script-test.ts";
import { ScriptCluster } from "./fixtures/script-cluster.ts";

describe("raft, step by step", () => {
  runScripts(join(import.meta.dirname, "testdata"), () => {
    const cluster = new ScriptCluster();
    return (command) => cluster.run(command);
  });
});
