// A receiver of logs that takes everything: it counts lines as it can without reading them, and answers. Its port is said by IPC.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

const server = createServer((request, response) => {
  request.resume();
  request.on("end", () =>
    response.writeHead(200).end(request.url?.startsWith("/_bulk") ? '{"errors":false}' : ""),
  );
});
server.listen(0, "127.0.0.1", () => process.send?.((server.address() as AddressInfo).port));
process.on("disconnect", () => process.exit(0));
