import { resolve } from "node:path";
import { saveSnapshot } from "../../store/offline/save-snapshot.ts";
import { command } from "../command.ts";
import { answerText, onlyWord, outputFlag } from "./formats.ts";
import { memberFlags, onlyEndpoint, withMembers } from "./members.ts";

const flags = { ...memberFlags, output: outputFlag } as const;

export const snapshotSaveCommand = command<typeof flags>({
  name: "store snapshot save",
  summary: "write the whole state of a running member into a file",
  usage: "FILE [--endpoints URL]",
  words: ["file", "none"],
  flags,
  examples: [
    "pintle store snapshot save backup.db --endpoints http://127.0.0.1:2379",
    "pintle store snapshot save backup.db --endpoints https://10.0.0.1:2379 --cacert ca.pem --cert root.pem --key root-key.pem",
  ],
  async run({ flags: given, words }, io) {
    const file = resolve(onlyWord(words, "file"));
    const endpoint = onlyEndpoint(given);
    const saved = await withMembers(given, (client) => saveSnapshot(client, endpoint, file, io.signal));
    io.stdout(answerText({ file, ...saved }, given.output));
    return 0;
  },
});
