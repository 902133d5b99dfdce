import { once } from "node:events";
import { createServer, connect as dial, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { eventually } from "../../local-cluster.ts";
import type { Machine } from "../../machines.ts";

/** Runs in a machine; file systems are shared, networks are not. A connection that cannot be made is closed. */
const script = `
const [, path, host, port] = process.argv;
require("node:net").createServer({ allowHalfOpen: true }, (near) => {
  const far = require("node:net").connect({ host, port: Number(port), allowHalfOpen: true });
  near.pipe(far).pipe(near);
  const end = () => { near.destroy(); far.destroy(); };
  near.on("error", end); far.on("error", end);
}).listen(path, () => console.log("listening"));
`;

/** A unix socket by which something is reached as from a machine. It ends with the machine. */
export async function relayFrom(
  machine: Machine,
  { host, port, folder }: { readonly host: string; readonly port: number; readonly folder: string },
): Promise<string> {
  const path = join(folder, `${machine.name}-${host}-${port}`);
  const relay = machine.launch(process.execPath, "-e", script, path, host, String(port));
  await eventually(
    `a relay in ${machine.name}`,
    async () => relay.output(),
    (text) => text.includes("listening"),
  );
  return path;
}

/** A port of this process' own network that leads to a unix socket. */
export async function portTo(path: string): Promise<{ readonly port: number; close(): void }> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((near) => {
    const far = dial(path);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.once("close", () => sockets.delete(socket));
      socket.on("error", () => {
        near.destroy();
        far.destroy();
      });
    }
    near.pipe(far).pipe(near);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as { readonly port: number }).port,
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
