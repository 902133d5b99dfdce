import type { IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { dialText } from "../../../base/dial-text.ts";
import type { NodeLink } from "./node-link.ts";
import { type Place, placeText } from "./place.ts";

/** How much of a refusal is read. */
const refusalBytesMax = 2048;

/** Lets a node's agent connect to one of its pods (CONNECT). Resolves with the bytes to and from there; rejects with what
 *  Go would say of the connection. */
export function tunnelThrough(
  agent: { readonly host: string; readonly port: number },
  place: Place,
  { link, signal }: { readonly link: NodeLink; readonly signal: AbortSignal },
): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const asking = httpsRequest({
      host: agent.host,
      port: agent.port,
      method: "CONNECT",
      path: placeText(place),
      agent: link.agent,
      signal,
      // Each direction of what goes through ends on its own.
      ...{ allowHalfOpen: true },
    });
    asking.on("error", (error) => reject(new Error(dialText(error, agent), { cause: error })));
    asking.on("connect", (answer: IncomingMessage, socket: Socket, head: Buffer) => {
      socket.on("error", () => socket.destroy()); // its user hears of the end
      if (answer.statusCode === 200) {
        if (head.length > 0) socket.unshift(head);
        return resolve(socket);
      }
      readRefusal(socket, head).then(
        (text) => reject(new Error(text || `node answered ${answer.statusCode}`)),
        reject,
      );
    });
    asking.end();
  });
}

async function readRefusal(socket: Socket, head: Buffer): Promise<string> {
  let text = head.toString("utf8");
  for await (const piece of socket) {
    text += piece;
    if (text.length >= refusalBytesMax) break;
  }
  socket.destroy();
  return text.slice(0, refusalBytesMax).trim();
}
