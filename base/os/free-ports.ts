import { randomInt } from "node:crypto";
import { createServer } from "node:net";
import { UsageError } from "./flags.ts";
import { tryHoldName } from "./held-name.ts";

/** Below the ports that systems give to outgoing connections and to whoever listens on port 0 (from 32768 on): what is found
 *  free there stays so until it is used, unless somebody asks for just that one. Above those of well-known services. */
const [firstPort, lastPort] = [20_000, 29_999];

/** Free TCP ports of the loopback interface. As long as this process lives no other process finds them free here, also where
 *  who is to listen does not yet, or stops for a while. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = new Map<number, ReturnType<typeof createServer>>();
  try {
    while (servers.size < count) {
      const port = randomInt(firstPort, lastPort + 1);
      if (!(await holdPort(port))) continue;
      const server = await listen("127.0.0.1", port).catch((error: NodeJS.ErrnoException) => {
        if (error.code === "EADDRINUSE") return undefined;
        throw error;
      });
      if (server !== undefined) servers.set(port, server);
    }
  } finally {
    await Promise.all(
      [...servers.values()].map((server) => new Promise<void>((done) => server.close(() => done()))),
    );
  }
  return [...servers.keys()];
}

/** Lets no other process find the port free; whether none had done so before. */
export async function holdPort(port: number): Promise<boolean> {
  return (await tryHoldName(`port-${port}`)) !== undefined;
}

/** Throws a clear error where somebody else listens already. */
export async function requireFree(host: string, port: number, advice: string): Promise<void> {
  try {
    const server = await listen(host, port);
    await new Promise<void>((done) => server.close(() => done()));
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : String(error);
    if (code === "EADDRINUSE")
      throw new UsageError(`port ${port} on ${host} is in use by another program; ${advice}`);
    throw new UsageError(`cannot listen on ${host}:${port}: ${code}; ${advice}`);
  }
}

function listen(host: string, port: number): Promise<ReturnType<typeof createServer>> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen({ host, port, exclusive: true }, () => resolve(server));
  });
}
