import { strict as assert } from "node:assert";
import { parseFlags } from "../base/os/flags.ts";
import { agentConfig, agentFlags } from "./flags.ts";

describe("the agent's flags", () => {
  const config = (...words: string[]) =>
    agentConfig(parseFlags(agentFlags, ["--kubeconfig=/k", "--node-name=n", ...words], { env: {} }).flags);

  it("let pods use the host's file system only where they say so", () => {
    assert.equal(config().allowHostImage, false);
    assert.equal(config("--allow-host-image").allowHostImage, true);
  });
});
