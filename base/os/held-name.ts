import { createServer } from "node:net";

/** A name that one process of the machine has at a time. */
export interface HeldName {
  release(): void;
}

/** Takes the name until it is released, or this process ends, whatever way: it is an abstract Unix socket, which the kernel
 *  frees. Undefined where another holds it; processes of other network namespaces do not count. Keeps no process alive. */
export function tryHoldName(name: string): Promise<HeldName | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE") resolve(undefined);
      else reject(error);
    });
    server.listen({ path: `\0pintle-${name}` }, () => {
      server.unref();
      resolve({ release: () => server.close() });
    });
  });
}
