import { UsageError } from "../../base/os/flags.ts";
import { command } from "../command.ts";
import { completionScripts, shells } from "./scripts.ts";

export const completionCommand = command({
  name: "completion",
  summary: "print what teaches a shell to complete our commands, flags and the cluster's objects",
  usage: "bash|zsh|fish",
  words: [shells, "none"],
  flags: {},
  examples: [
    "source <(pintle completion bash)                # in ~/.bashrc",
    "source <(pintle completion zsh)                 # in ~/.zshrc, after compinit",
    "pintle completion fish | source                 # in ~/.config/fish/config.fish",
  ],
  async run({ words }, io) {
    const shell = shells.find((one) => one === words[0]);
    if (shell === undefined || words.length > 1)
      throw new UsageError(`which shell? One of ${shells.join(", ")}`);
    io.stdout(completionScripts[shell]);
    return 0;
  },
});
