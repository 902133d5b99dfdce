import { UsageError } from "../../base/os/flags.ts";
import { isAlreadyExists } from "../../client/api-error.ts";
import { resources } from "../../client/resources.ts";
import type { RestClient } from "../../client/rest.ts";
import { command, OperatorError } from "../command.ts";
import { connectionFlags } from "../kubectl/flags.ts";
import { joinWords } from "./join-line.ts";
import { newToken, tokenSecret, tokenText } from "./tokens.ts";

const hourMs = 3_600_000;
export const tokenLife = { usualMs: 24 * hourMs, leastMs: 60_000, mostMs: 30 * 24 * hourMs } as const;

const flags = {
  ...connectionFlags,
  ttl: {
    kind: "duration",
    default: tokenLife.usualMs,
    help: "how long it is good for: a minute to 30 days (720h)",
  },
  description: { kind: "string", default: "", value: "TEXT", help: "whom or what it is for" },
  "print-join-command": {
    kind: "boolean",
    default: false,
    help: "print the whole line to join with, token included",
  },
} as const;

export const tokenCreateCommand = command({
  name: "token create",
  summary: "make a token by which machines join the cluster",
  flags,
  examples: [
    "pintle token create > token                   # then: pintle agent --server … --token-file token",
    "pintle token create --ttl 1h --description 'rack 7'",
    "pintle token create --print-join-command",
  ],
  async run({ flags: given, words }, io) {
    if (words.length > 0) throw new UsageError(`unexpected word "${words[0]}"`);
    const { ttl, description } = given;
    if (ttl < tokenLife.leastMs || ttl > tokenLife.mostMs)
      throw new OperatorError(`--ttl: ${ttl} ms must be from 1m to 720h`);
    const client = io.client(given);
    const line = (await joinWords(client)).join(" ");
    const token = await createToken(client, { ttlMs: ttl, description });
    const until = new Date(Date.now() + ttl).toISOString();
    if (given["print-join-command"]) {
      io.stdout(`PINTLE_TOKEN=${token} ${line}\n`);
      io.stderr(`good until ${until}\n`);
      return 0;
    }
    io.stdout(`${token}\n`);
    io.stderr(`good until ${until}. On the other machine, with it in a file:\n  ${line} --token-file=FILE\n`);
    return 0;
  },
});

/** Resolves with the token's text. */
export async function createToken(
  client: Pick<RestClient, "create">,
  { ttlMs, description }: { readonly ttlMs: number; readonly description: string },
): Promise<string> {
  for (;;) {
    const token = newToken();
    try {
      await client.create(resources.secrets, tokenSecret(token, { endsMs: Date.now() + ttlMs, description }));
      return tokenText(token);
    } catch (error) {
      if (!isAlreadyExists(error)) throw error; // an id of two billion was taken
    }
  }
}
