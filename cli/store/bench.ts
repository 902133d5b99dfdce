import { UsageError } from "../../base/os/flags.ts";
import { prefixEnd } from "../../store/client/keys.ts";
import { command } from "../command.ts";
import { Stopwatch } from "./figures.ts";
import { answerText, onlyWord, outputFlag } from "./formats.ts";
import { benchPrefix, loads } from "./loads.ts";
import { memberFlags, membersClient } from "./members.ts";

const flags = {
  ...memberFlags,
  total: { kind: "integer", default: 10_000, value: "N", help: "requests" },
  clients: { kind: "integer", default: 100, value: "N", help: "requests under way at once" },
  conns: { kind: "integer", default: 10, value: "N", help: "connections that they share" },
  "key-size": { kind: "integer", default: 32, value: "BYTES", help: "bytes of a key" },
  "val-size": { kind: "integer", default: 256, value: "BYTES", help: "bytes of a value" },
  "key-space-size": {
    kind: "integer",
    default: 1_000,
    value: "N",
    help: "keys that are written or read in turn",
  },
  "txn-ops": { kind: "integer", default: 4, value: "N", help: "puts in a transaction" },
  watchers: { kind: "integer", default: 10, value: "N", help: "watches of all keys, for the load watch" },
  consistency: {
    kind: "string",
    default: "l",
    choices: ["l", "s"],
    value: "l|s",
    help: "linearizable or serializable, for the load range",
  },
  output: outputFlag,
} as const;

export const benchCommand = command<typeof flags>({
  name: "store bench",
  summary: `put a small load on members and say how fast they answer; writes below ${benchPrefix}, and removes that afterwards`,
  usage: "put | range | txn | watch",
  words: [Object.keys(loads), "none"],
  flags,
  examples: [
    "pintle store bench put --total 50000 --clients 500 --endpoints http://10.0.0.1:2379",
    "pintle store bench range --consistency s",
    "pintle store bench watch --watchers 100 --total 1000 -o json",
  ],
  async run({ flags: given, words }, io) {
    const name = onlyWord(words, "load");
    if (!(name in loads)) throw new UsageError(`"${name}" is no load; take ${Object.keys(loads).join(", ")}`);
    const { consistency } = given;
    for (const flag of ["total", "clients", "conns", "key-space-size", "txn-ops", "watchers"] as const)
      if (given[flag] < 1) throw new UsageError(`--${flag}: at least 1`);
    const plan = {
      total: given.total,
      clients: given.clients,
      keyBytes: given["key-size"],
      valueBytes: given["val-size"],
      keys: given["key-space-size"],
      txnOps: given["txn-ops"],
      watchers: given.watchers,
      serializable: consistency === "s",
      signal: io.signal,
    };
    const clients = Array.from({ length: given.conns }, () => membersClient(given));
    try {
      const stopwatch = new Stopwatch();
      const startMs = performance.now();
      await loads[name as keyof typeof loads](clients, plan, stopwatch);
      const figures = stopwatch.figures((performance.now() - startMs) / 1_000);
      await clients[0]?.delete(benchPrefix, { rangeEnd: prefixEnd(benchPrefix) });
      io.stdout(answerText({ load: name, ...figures }, given.output));
      return figures.errors > 0 ? 1 : 0;
    } finally {
      for (const client of clients) client.close();
    }
  },
});
