import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { UsageError } from "./flags.ts";

export interface ListeningEverywhere {
  readonly port: number;
  close(): Promise<void>;
}

/** Plain HTTP at one port of several addresses; port 0: any that is free at the first. Rejects with a UsageError that begins
 *  with `flag` where one cannot be had. */
export async function listenEverywhere(
  { addresses, port }: { readonly addresses: readonly string[]; readonly port: number },
  flag: string,
  answer: RequestListener,
): Promise<ListeningEverywhere> {
  const servers: Server[] = [];
  const close = async () => {
    await Promise.all(servers.splice(0).map(closed));
  };
  let bound = port;
  try {
    for (const address of addresses) {
      const server = createServer(answer);
      servers.push(server);
      await listening(server, { address, port: bound }, flag);
      bound = (server.address() as AddressInfo).port;
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { port: bound, close };
}

function listening(
  server: Server,
  at: { readonly address: string; readonly port: number },
  flag: string,
): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const why =
        error.code === "EADDRINUSE"
          ? "is in use: choose another port"
          : `cannot be listened on: ${error.code ?? error.message}`;
      reject(new UsageError(`${flag}: ${at.address}:${at.port} ${why}`));
    });
    server.listen(at.port, at.address, resolve);
  });
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
