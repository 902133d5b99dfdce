import { startTestApiserver } from "./testing.ts";

/** A server for tests in a process of its own, so that it can be given little memory and be seen to die of it. Says where it
 *  is, and whenever it is asked, what it holds. */
export interface ChildServer {
  readonly kubeconfig: string;
}
export interface ChildMemory {
  readonly heldBytes: number;
}

const server = await startTestApiserver();
process.on("message", () => {
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  process.send?.({ heldBytes: heapUsed + external } satisfies ChildMemory);
});
process.on("disconnect", () => process.exit());
process.send?.({ kubeconfig: server.kubeconfig } satisfies ChildServer);
