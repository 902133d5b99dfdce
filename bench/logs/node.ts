// A node that only searches its logs, as the agent does, in a process of its own: so what a search takes is the process's.
// Folders come as the argument, its port is said by IPC.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { LogFolders } from "../../agent/logs/folders.ts";
import { NodeSearches } from "../../agent/logs/node-searches.ts";
import { serveSearch } from "../../agent/logs/serve-search.ts";
import { systemClock } from "../../base/os/clock.ts";

const searches = new NodeSearches(JSON.parse(process.argv[2] ?? "") as LogFolders);
const server = createServer((request, response) => {
  const url = new URL(request.url ?? "/", "http://node");
  serveSearch(request, response, url, { searches, clock: systemClock }).catch((error: unknown) => {
    process.stderr.write(`${error}\n`);
    response.destroy();
  });
});
server.listen(0, "127.0.0.1", () => process.send?.((server.address() as AddressInfo).port));
process.on("disconnect", () => process.exit(0));
