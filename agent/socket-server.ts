import { chmod, lstat, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { dirname } from "node:path";
import { type UnaryHandler, UnaryServer } from "../base/grpc/unary-server.ts";
import { ifPresent } from "../base/os/if-present.ts";
import { makeFolder } from "../base/os/make-folder.ts";
import type { Os } from "../base/os/os.ts";
import type { Encodable, Message, Of } from "../base/protobuf.ts";
import type { Calls } from "./socket-calls.ts";

export const socketLimits = {
  /** What a socket's path may take: the kernel's `sun_path` without its end. */
  pathBytesMost: 107,
  connectionsMost: 64,
  requestBytesMost: 64 * 1024,
} as const;

export type CallHandlers<C extends Calls> = {
  readonly [N in keyof C]: (request: Of<C[N][0]>) => Promise<Encodable<Of<C[N][1]>>>;
};

/** What answers the calls of a service, by their paths. */
export function handlersOf<C extends Calls>(
  service: string,
  calls: C,
  handlers: CallHandlers<C>,
): ReadonlyMap<string, UnaryHandler> {
  return new Map(
    Object.entries(calls).map(([name, [asked, answered]]) => {
      const handler = handlers[name as keyof C] as unknown as (request: object) => Promise<object>;
      const serve: UnaryHandler = async (bytes) =>
        (answered as Message<object>).encode(await handler((asked as Message<object>).decode(bytes)));
      return [`/${service}/${name}`, serve] as const;
    }),
  );
}

/** Serves calls at a socket that is root's alone, in place of one that an earlier agent left. Resolves with what ends it. Rejects
 *  where nothing can listen there. */
export async function serveSocket(
  socket: string,
  handlers: ReadonlyMap<string, UnaryHandler>,
  os: Pick<Os, "clock" | "log">,
): Promise<() => Promise<void>> {
  const bytes = Buffer.byteLength(socket);
  if (bytes > socketLimits.pathBytesMost)
    throw new Error(`${socket} is too long for a socket: ${bytes} bytes of ${socketLimits.pathBytesMost}`);
  await makeFolder(dirname(socket), 0o750);
  if ((await ifPresent(lstat(socket)))?.isSocket()) await rm(socket);
  const { clock, log } = os;
  const calls = new UnaryServer({ handlers, requestBytesMost: socketLimits.requestBytesMost, clock, log });
  const server = createServer((connection) => {
    connection.on("error", () => undefined); // its end is told, too
    calls.accept(connection);
  });
  server.maxConnections = socketLimits.connectionsMost;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(socket, resolve);
  });
  server.on("error", (error) => log.warn("cannot take a connection", { socket, error }));
  await chmod(socket, 0o600);
  return async () => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    await calls.stop();
    await closed;
  };
}
