import { sleep } from "../../../base/os/clock.ts";
import type { Os } from "../../../base/os/os.ts";
import { TaskScope } from "../../../base/os/task-scope.ts";
import type { ApiClient } from "../../../client/api.ts";
import { ApiError, ConnectionError } from "../../../client/api-error.ts";
import { readShippingFile, type ShippingConfig } from "../../../shipping/config/read-config.ts";
import { startShipping } from "../../../shipping/start-shipping.ts";
import { eventLines } from "./event-lines.ts";
import { EventSource } from "./event-source.ts";
import { noteShipped, shippedUpTo } from "./shipped-up-to.ts";

const noteEveryMs = 2_000;
const retryMs = 2_000;
/** What waits in this process. */
const waitingBytesMax = 16 * 1024 * 1024;

type Client = Pick<ApiClient, "list" | "watch" | "get" | "create" | "update">;

/** Throws UsageError, naming what is wrong in the file. */
export const readEventShipping = (file: string): ShippingConfig => readShippingFile("log-shipping", file);

/** Ships Events to every receiver that wants some, as long as the signal does not abort. */
export async function shipEvents(
  config: ShippingConfig,
  client: Client,
  os: Os,
  signal: AbortSignal,
): Promise<void> {
  const log = os.log.child("log-shipping");
  const names = config.shipments.filter(({ selections }) =>
    selections.some(({ source }) => source === undefined || source === "events"),
  );
  const from = await positions(client, { names: names.map(({ name }) => name), os, signal });
  if (from === undefined) return;
  const tasks = new TaskScope(log);
  const stop = () => void tasks.stop();
  signal.addEventListener("abort", stop, { once: true });
  const notes: (() => Promise<void>)[] = [];
  const shipping = await startShipping(
    {
      config,
      component: "controller-manager",
      folder: "/log-shipping",
      sources: ["events"],
      formats: [eventLines],
      memoryBytesMax: waitingBytesMax,
      open: ({ receiver }) => {
        let settled: string | undefined;
        const { clock, random } = os;
        const onSettled = (version: string) => {
          settled = version;
        };
        const source = new EventSource({ client, clock, random, log, onSettled }, from.get(receiver));
        notes.push(async () => {
          const version = settled;
          settled = undefined;
          if (version === undefined) return;
          await noteShipped(client, receiver, version).catch((error: unknown) => {
            settled ??= version;
            if (!(error instanceof ApiError || error instanceof ConnectionError)) throw error;
            log.warn("how far events are shipped cannot be written down", { receiver, error });
          });
        });
        tasks.run(`events for ${receiver}`, (until) => source.follow(until));
        return source;
      },
    },
    os,
  );
  tasks.run("how far events are shipped", async (until) => {
    while (!until.aborted) {
      await sleep(os.clock, noteEveryMs, until);
      for (const note of notes) await note();
    }
  });
  try {
    await tasks.untilStopped();
  } finally {
    await shipping.stop();
    const letBe = () => undefined; // who does not lead any more cannot write it down: the next leader sends a little again
    for (const note of notes) await note().catch(letBe);
  }
}

/** Where each receiver goes on; undefined where the signal aborts first. */
async function positions(
  client: Client,
  { names, os, signal }: { readonly names: readonly string[]; readonly os: Os; readonly signal: AbortSignal },
): Promise<ReadonlyMap<string, string | undefined> | undefined> {
  while (!signal.aborted)
    try {
      const found = new Map<string, string | undefined>();
      for (const name of names) found.set(name, await shippedUpTo(client, name));
      return found;
    } catch (error) {
      if (!(error instanceof ApiError || error instanceof ConnectionError)) throw error;
      await sleep(os.clock, retryMs, signal).catch(() => undefined); // it is over
    }
  return undefined;
}
