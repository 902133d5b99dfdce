import { parentPort, workerData } from "node:worker_threads";
import { type SearchData, searchLines } from "./search-lines.ts";
import { linesAhead, type SearchSaid } from "./search-messages.ts";

// One search, in a thread of its own: whoever asked for it ends the thread.
const port = parentPort;
if (port === null) throw new Error("not a thread");

let ahead = 0;
let onTaken: (() => void) | undefined;
port.on("message", () => {
  ahead -= 1;
  onTaken?.();
});

for await (const lines of searchLines(workerData as SearchData)) {
  const copy = new Uint8Array(lines); // of its own memory, which is handed over
  port.postMessage({ lines: copy } satisfies SearchSaid, [copy.buffer]);
  ahead += 1;
  while (ahead >= linesAhead)
    await new Promise<void>((resolve) => {
      onTaken = resolve;
    });
}
port.postMessage({ done: true } satisfies SearchSaid);
port.close();
