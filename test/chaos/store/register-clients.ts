import { systemClock } from "../../../base/os/clock.ts";
import { below, type Random, systemRandom } from "../../../base/os/random.ts";
import { text, utf8 } from "../../../base/wire.ts";
import { openStoreClient } from "../../../store/client/open-client.ts";
import { type KeyOp, take } from "../../simulation/checkers/client-histories.ts";
import { type Called, searchOrder } from "../../simulation/checkers/wing-gong.ts";

/** One call as its client saw it. */
export interface SeenCall extends Called<KeyOp> {
  readonly key: string;
  /** When its client stopped waiting, answered or not; by `performance.now()`. */
  readonly toldMs: number;
  readonly isAnswered: boolean;
}

export interface RegisterClients {
  readonly calls: readonly SeenCall[];
  /** No new calls; resolves when all are over. */
  stop(): Promise<void>;
}

/** Values are so long that disks fill up and segments end; what fills them is not noted. */
const valueBytes = 2_000;
const filling = "-";

const keyOf = (number: number): string => `register/${number}`;

/** Clients that write and read a few keys, each value once, and note what they were told. */
export function startRegisterClients(
  endpoints: readonly string[],
  options: { readonly clients: number; readonly keys: number; readonly random: Random },
): RegisterClients {
  const calls: SeenCall[] = [];
  const { random, keys } = options;
  let isStopping = false;
  const run = async (name: number) => {
    const client = openStoreClient(
      { endpoints, timeoutMs: 3_000 },
      { clock: systemClock, random: systemRandom },
    );
    for (let n = 0; !isStopping; n++) {
      const key = keyOf(below(random, keys));
      const value = below(random, 2) === 0 ? undefined : `${name}.${n}`;
      const startMs = performance.now();
      const call =
        value === undefined
          ? readOf(client.get(utf8(key)))
          : client.put(utf8(key), utf8(value.padEnd(valueBytes, filling)));
      const told = await call.then(
        (answer) => ({ answer }),
        (error: unknown) => ({ error }),
      );
      const toldMs = performance.now();
      const isAnswered = "answer" in told;
      const endMs = isAnswered ? toldMs : Number.POSITIVE_INFINITY;
      const found = isAnswered && typeof told.answer === "string" ? told.answer : undefined;
      const op: KeyOp = { leaves: [value], ...(found !== undefined && { found }) };
      calls.push({ key, op, startMs, endMs, toldMs, isAnswered });
    }
    client.close();
  };
  const running = Promise.all(Array.from({ length: options.clients }, (_, name) => run(name)));
  return {
    calls,
    async stop() {
      isStopping = true;
      await running;
    },
  };
}

async function readOf(
  answer: Promise<{ readonly kv?: { readonly value: Uint8Array } | undefined }>,
): Promise<string> {
  const { kv } = await answer;
  return kv === undefined ? "" : (text(kv.value).split(filling)[0] ?? "");
}

/** Keys for which no order explains what clients were told; and those for which none was found within the search's bound. */
export function judge(calls: readonly SeenCall[]): {
  readonly broken: readonly string[];
  readonly undecided: readonly string[];
} {
  const broken: string[] = [];
  const undecided: string[] = [];
  for (const key of new Set(calls.map((call) => call.key))) {
    const seen = new Set(calls.map(({ op }) => op.found));
    const own = calls.filter(
      (call) =>
        call.key === key &&
        (call.isAnswered || (call.op.leaves[0] !== undefined && seen.has(call.op.leaves[0]))),
    );
    const found = searchOrder(own, "", take, 2_000_000);
    if (found === "not linearizable") broken.push(key);
    if (found === "undecided") undecided.push(key);
  }
  return { broken, undecided };
}
