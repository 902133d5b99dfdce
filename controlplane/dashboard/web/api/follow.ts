import { signal } from "@preact/signals";
import { keyProtocols } from "./session.ts";

/** What comes of one stream of lines; see `server/follow.ts` for the protocol. */
export interface Listener {
  /** The server agreed; lines follow. */
  open?(): void;
  lines(lines: readonly string[]): void;
  /** Nothing more comes. Code 0: the connection was lost. */
  end(code: number, message: string): void;
}

/** Whether the one connection stands that all live views share. */
export const connection = signal<"idle" | "live" | "lost">("idle");

const retryMs = { first: 500, most: 10_000 };
let socket: WebSocket | undefined;
let isOpen = false;
let nextId = 1;
let failures = 0;
let notBeforeMs = 0;
const listeners = new Map<number, Listener>();

/** Opens a stream; the answered function ends it, without a word to the listener. */
export function follow(path: string, accept: string, listener: Listener): () => void {
  const id = nextId++;
  listeners.set(id, listener);
  const wish = JSON.stringify({ open: id, path, accept });
  let timer: ReturnType<typeof setTimeout> | undefined;
  const ask = () => {
    const to = connected();
    if (isOpen) to.send(wish);
    else to.addEventListener("open", () => listeners.has(id) && to.send(wish), { once: true });
  };
  const waitMs = notBeforeMs - performance.now();
  if (socket === undefined && waitMs > 0) timer = setTimeout(ask, waitMs);
  else ask();
  return () => {
    clearTimeout(timer);
    if (listeners.delete(id) && isOpen) socket?.send(JSON.stringify({ close: id }));
  };
}

function connected(): WebSocket {
  if (socket !== undefined) return socket;
  const opened = new WebSocket(`${location.origin.replace(/^http/, "ws")}/follow`, [
    "pintle.follow.v1",
    ...keyProtocols(),
  ]);
  socket = opened;
  opened.addEventListener("open", () => {
    isOpen = true;
    failures = 0;
    connection.value = "live";
  });
  opened.addEventListener("message", ({ data }) => hear(String(data)));
  opened.addEventListener("close", () => {
    isOpen = false;
    socket = undefined;
    failures++;
    notBeforeMs = performance.now() + Math.min(retryMs.most, retryMs.first * 2 ** (failures - 1));
    connection.value = "lost";
    const all = [...listeners.values()];
    listeners.clear();
    for (const listener of all) listener.end(0, "the connection to the dashboard's server was lost");
  });
  return opened;
}

function hear(text: string): void {
  const head = text.indexOf("\n");
  const [id, what] = text.slice(0, head).split(" ");
  const listener = listeners.get(Number(id));
  if (listener === undefined) return;
  const body = text.slice(head + 1);
  if (what === "lines") listener.lines(body.split("\n"));
  if (what === "open") listener.open?.();
  if (what !== "end") return;
  listeners.delete(Number(id));
  const { code, message } = JSON.parse(body) as { readonly code: number; readonly message: string };
  listener.end(code, message);
}
