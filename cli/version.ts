import { kubernetesVersion } from "../client/version.ts";
import ownPackage from "../package.json" with { type: "json" };
import { serverVersion } from "../store/flags.ts";
import { command } from "./command.ts";
import { answerText, noWords, outputFlag } from "./store/formats.ts";

export const versionCommand = command({
  name: "version",
  summary: "show our version, and those of the APIs that are served",
  flags: { output: outputFlag } as const,
  examples: ["pintle version", "pintle version -o json"],
  async run({ flags: given, words }, io) {
    noWords(words);
    const versions = {
      pintle: ownPackage.version,
      kubernetes: kubernetesVersion.gitVersion,
      etcd: serverVersion,
      node: process.version,
    };
    io.stdout(answerText(versions, given.output));
    return 0;
  },
});
