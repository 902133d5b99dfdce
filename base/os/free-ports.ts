import { createServer } from "node:net";
import { UsageError } from "./flags.ts";

/** Free TCP ports of the loopback interface. All are held until every one is found, so they differ. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, () => listen("127.0.0.1", 0)));
  const ports = servers.map((server) => {
    const address = server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  });
  await Promise.all(servers.map((server) => new Promise<void>((done) => server.close(() => done()))));
  return ports;
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
