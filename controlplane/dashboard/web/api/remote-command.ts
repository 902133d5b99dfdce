import {
  type CommandWish,
  commandPath,
  commandProtocol,
  type Ending,
  readFrame,
  resizeFrame,
  stdinFrame,
} from "../model/remote-command.ts";
import { call, keyProtocols, Refusal } from "./session.ts";

export interface CommandListener {
  open(): void;
  output(bytes: Uint8Array): void;
  /** Nothing more comes. */
  end(ending: Ending): void;
}

export interface RemoteCommand {
  write(bytes: Uint8Array): void;
  resize(columns: number, rows: number): void;
  /** Cuts the connection, without a word to the listener. */
  close(): void;
}

const pieceBytes = 64 * 1024;

/** Opens a session with a container as the person who looks. */
export function openCommand(wish: CommandWish, listener: CommandListener): RemoteCommand {
  const path = commandPath(wish);
  const socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}/cluster${path}`, [
    commandProtocol,
    ...keyProtocols(),
  ]);
  socket.binaryType = "arraybuffer";
  let isOver = false;
  let hasOpened = false;
  const end = (ending: Ending) => {
    if (isOver) return;
    isOver = true;
    listener.end(ending);
    socket.close();
  };
  socket.addEventListener("open", () => {
    hasOpened = true;
    if (!isOver) listener.open();
  });
  socket.addEventListener("message", ({ data }) => {
    if (isOver || !(data instanceof ArrayBuffer)) return;
    const heard = readFrame(new Uint8Array(data));
    if (heard?.is === "output") listener.output(heard.bytes);
    else if (heard?.is === "ending") end(heard.ending);
  });
  socket.addEventListener("close", () => {
    if (hasOpened) end({ is: "lost" });
    else void whyRefused(path).then(end);
  });
  const isOpen = () => socket.readyState === WebSocket.OPEN;
  return {
    write(bytes) {
      for (let at = 0; at < bytes.length && isOpen(); at += pieceBytes)
        socket.send(stdinFrame(bytes.subarray(at, at + pieceBytes)));
    },
    resize(columns, rows) {
      if (isOpen()) socket.send(resizeFrame(columns, rows));
    },
    close() {
      isOver = true;
      socket.close();
    },
  };
}

/** A browser does not tell scripts why a WebSocket was refused. The same path without one is refused for the same reason, or,
 *  where all else is well, for want of a WebSocket (400). */
async function whyRefused(path: string): Promise<Ending> {
  try {
    await call(path);
  } catch (error) {
    if (error instanceof Refusal && error.code !== 0 && error.code !== 400)
      return { is: "refused", code: error.code, message: error.message };
  }
  return { is: "lost" };
}
