/** The thread that answers requests: whatever they cost, the agent's own thread has its time for pods and their probes. */
import { parentPort, workerData } from "node:worker_threads";
import { systemClock } from "../../base/os/clock.ts";
import { describeError, type Log } from "../../base/os/log.ts";
import { systemRandom } from "../../base/os/random.ts";
import { settleMemory } from "../../base/os/settle-memory.ts";
import { LocalServing } from "./serving.ts";
import type { Said, ThreadData, Told } from "./thread-messages.ts";

const say = (said: Said) => parentPort?.postMessage(said);

type Fields = Parameters<Log["info"]>[1];

/** Lines of the log are written by the agent's thread. */
function passedOn(): Log {
  const at = (level: "debug" | "info" | "warn" | "error") => (message: string, fields?: Fields) => {
    const given = typeof fields === "function" ? fields() : (fields ?? {});
    const text = (value: unknown) => (value instanceof Error ? describeError(value) : String(value));
    const texts = Object.fromEntries(Object.entries(given).map(([name, value]) => [name, text(value)]));
    say({ kind: "log", level, message, fields: texts });
  };
  // Nobody looks at what is said of single connections.
  const log: Log = {
    debug: () => undefined,
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    child: () => log,
  };
  return log;
}

const { fallback } = workerData as ThreadData;
const serving = new LocalServing({ fallback, clock: systemClock, random: systemRandom, log: passedOn() });

const letBe = settleMemory(systemClock);

parentPort?.on("message", async (told: Told) => {
  switch (told.kind) {
    case "changes":
      for (const change of told.changes) serving.apply(change);
      break;
    case "open":
      say({ kind: "done", id: told.id, opened: await serving.open(told.ports) });
      break;
    case "shut":
      await serving.shut(told.entry);
      say({ kind: "done", id: told.id, opened: undefined });
      break;
    case "stop":
      letBe();
      await serving.stop();
      parentPort?.close();
  }
});
