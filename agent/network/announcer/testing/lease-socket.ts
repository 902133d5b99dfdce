import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { createInterface } from "node:readline";
import type { ApiClient } from "../../../../client/api.ts";
import { ApiError } from "../../../../client/api-error.ts";
import { resources } from "../../../../client/resources.ts";
import type { FakeApi } from "../../../../client/testing/fake-api.ts";
import type { Status } from "../../../../client/types.ts";

/** Leases for processes in other network namespaces, over a Unix socket, which knows no such bounds: one JSON value a line. */
type LeaseClient = Pick<ApiClient, "get" | "create" | "update" | "watch">;
interface Asked {
  readonly id: number;
  readonly verb: "get" | "create" | "update" | "watch" | "end";
  readonly input?: unknown;
}
interface Told {
  readonly id: number;
  readonly value?: unknown;
  readonly refusal?: { readonly code: number; readonly status: Status };
}

export async function serveLeases(path: string, api: FakeApi): Promise<Server> {
  const server = createServer((socket) => {
    const watches = new Map<number, AbortController>();
    const tell = (told: Told) => void socket.write(`${JSON.stringify(told)}\n`);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => {
      for (const watch of watches.values()) watch.abort();
    });
    createInterface({ input: socket }).on("line", (line) => {
      const { id, verb, input } = JSON.parse(line) as Asked;
      if (verb === "end") return watches.get(id)?.abort();
      const follow = async () => {
        const watch = new AbortController();
        watches.set(id, watch);
        for await (const event of api.watch(resources.leases, input as object, watch.signal))
          tell({ id, value: event });
      };
      const done = verb === "watch" ? follow() : api[verb](resources.leases, input as never);
      done.then(
        (value) => verb !== "watch" && tell({ id, value }),
        (error: unknown) => {
          if (error instanceof ApiError) tell({ id, refusal: { code: error.code, status: error.status } });
        },
      );
    });
  });
  await once(server.listen(path), "listening");
  return server;
}

export async function leasesAt(path: string): Promise<LeaseClient> {
  const socket: Socket = connect(path);
  await once(socket, "connect");
  const waiting = new Map<number, (told: Told) => void>();
  createInterface({ input: socket }).on("line", (line) => {
    const told = JSON.parse(line) as Told;
    waiting.get(told.id)?.(told);
  });
  let last = 0;
  const ask = (id: number, verb: Asked["verb"], input?: unknown) =>
    void socket.write(`${JSON.stringify({ id, verb, input })}\n`);
  const call = (verb: Asked["verb"], input: unknown) =>
    new Promise<never>((resolve, reject) => {
      const id = ++last;
      waiting.set(id, ({ value, refusal }) => {
        waiting.delete(id);
        if (refusal === undefined) resolve(value as never);
        else reject(new ApiError(refusal.code, refusal.status));
      });
      ask(id, verb, input);
    });
  return {
    get: (_, ref) => call("get", ref),
    create: (_, object) => call("create", object),
    update: (_, object) => call("update", object),
    async *watch(_, options, signal) {
      const id = ++last;
      const events: unknown[] = [];
      let wake = () => {};
      waiting.set(id, ({ value }) => {
        events.push(value);
        wake();
      });
      const end = () => {
        ask(id, "end");
        wake();
      };
      signal.addEventListener("abort", end, { once: true });
      ask(id, "watch", options);
      try {
        for (;;) {
          signal.throwIfAborted();
          const event = events.shift();
          if (event !== undefined) yield event as never;
          else
            await new Promise<void>((resolve) => {
              wake = resolve;
            });
        }
      } finally {
        waiting.delete(id);
      }
    },
  };
}
