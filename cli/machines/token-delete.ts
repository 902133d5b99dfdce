import { UsageError } from "../../base/os/flags.ts";
import { isNotFound } from "../../client/api-error.ts";
import { resources } from "../../client/resources.ts";
import { bootstrapTokens } from "../../client/rules/bootstrap-token.ts";
import { command, OperatorError } from "../command.ts";
import { connectionFlags } from "../kubectl/flags.ts";
import { idOf } from "./tokens.ts";

export const tokenDeleteCommand = command({
  name: "token delete",
  summary: "take tokens back: nobody joins by them any more, whoever did stays",
  usage: "ID...",
  words: ["token"],
  flags: connectionFlags,
  examples: ["pintle token delete abcdef"],
  async run({ flags: given, words }, io) {
    if (words.length === 0) throw new UsageError("which one? pintle token list shows their ids");
    const ids = words.map((word) => {
      const id = idOf(word);
      // The word is not shown: it may be most of a token.
      if (id === undefined) throw new OperatorError("a token's id is six letters and digits");
      return id;
    });
    const client = io.client(given);
    for (const id of ids) {
      const ref = { namespace: bootstrapTokens.namespace, name: `${bootstrapTokens.namePrefix}${id}` };
      try {
        await client.delete(resources.secrets, ref);
      } catch (error) {
        if (isNotFound(error)) throw new OperatorError(`there is no token ${id}`);
        throw error;
      }
      io.stdout(`token ${id} deleted\n`);
    }
    return 0;
  },
});
