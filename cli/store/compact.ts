import { UsageError } from "../../base/os/flags.ts";
import { command } from "../command.ts";
import { answerText, onlyWord, outputFlag } from "./formats.ts";
import { memberFlags, withMembers } from "./members.ts";

const flags = {
  ...memberFlags,
  physical: { kind: "boolean", help: "wait until what is dropped is removed" },
  output: outputFlag,
} as const;

export const compactCommand = command<typeof flags>({
  name: "store compact",
  summary: "drop the history before a revision; what keys are then stays",
  usage: "REVISION [--endpoints URLS]",
  flags,
  examples: [
    "pintle store compact 1000",
    "pintle store compact 1000 --physical --endpoints http://10.0.0.1:2379",
  ],
  async run({ flags: given, words }, io) {
    const word = onlyWord(words, "revision");
    const compactRevision = Number(word);
    if (!/^\d+$/.test(word) || !Number.isSafeInteger(compactRevision))
      throw new UsageError(`"${word}" is no revision`);
    await withMembers(given, (client) =>
      client.compact(compactRevision, { physical: given.physical ?? false, signal: io.signal }),
    );
    io.stdout(answerText({ compactRevision }, given.output));
    return 0;
  },
});
