import type { CommandIo } from "../command.ts";
import type { Program } from "../program.ts";
import { complete, type LiveSource } from "./complete.ts";
import { nothing, type Offer, offerText } from "./offer.ts";

/** `pintle __complete WORDS…`: what can stand in place of the last word. Shells are told nothing of what goes wrong. */
export async function answerShell(
  program: Program,
  typed: readonly string[],
  io: CommandIo,
  // Somebody waits with a finger on the key.
  { liveMs = 1_500 }: { readonly liveMs?: number } = {},
): Promise<number> {
  const signal = AbortSignal.any([io.signal, AbortSignal.timeout(liveMs)]);
  const live = (source: LiveSource): Promise<Offer> => soon(askCluster(program, source, io, signal), signal);
  io.stdout(offerText(await complete(program, typed, live)));
  return 0;
}

async function askCluster(program: Program, source: LiveSource, io: CommandIo, signal: AbortSignal) {
  const { liveValues } = await import("./live-values.ts");
  return liveValues(source, {
    client: io.client,
    env: io.env,
    kubeconfig: program.kubeconfig(io.env),
    signal,
  });
}

/** The value, or nothing where it fails or is late. */
function soon(value: Promise<Offer>, signal: AbortSignal): Promise<Offer> {
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(nothing), { once: true });
    value.then(resolve, () => resolve(nothing));
  });
}
