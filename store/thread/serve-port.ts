import type { MessagePort } from "node:worker_threads";
import type { CallError } from "../client/call-error.ts";
import type { Endpoint } from "../client/endpoints.ts";
import type { ClientStream } from "../client/transport.ts";
import type { CallOwner, LocalCall } from "../local-call.ts";
import type { LocalTransport } from "../local-transport.ts";
import { Outbox } from "./outbox.ts";
import { errorBody, methodPath, type Packet, packet, unpacked } from "./packets.ts";

/** That of the member in this thread. */
const here: Endpoint = { url: "", address: "", secure: false };

/** Carries out what a `ThreadTransport` in another thread asks of the member in this one, until either closes the port. */
export function servePort(port: MessagePort, transport: LocalTransport): void {
  const outbox = new Outbox(port);
  const calls = new Map<number, LocalCall>();
  const streams = new Map<number, ClientStream>();
  const fail = (call: number, error: CallError) => outbox.post(packet("failure", call, errorBody(error)));

  const owner: CallOwner = {
    succeeded: (call, answer) => {
      calls.delete(call);
      outbox.post(packet("answer", call, answer));
    },
    failed: (call, error) => {
      calls.delete(call);
      fail(call, error);
    },
  };
  const unary = ({ call: number, method, timeoutMs, requireLeader, traceparent, body }: Packet) => {
    const asked = { path: methodPath(method), request: body };
    const call = transport.call({ owner, number }, asked, { timeoutMs, requireLeader, traceparent });
    if (!call.isOver) calls.set(number, call);
  };
  const open = ({ call, method, requireLeader }: Packet) => {
    const stream = transport.stream(
      here,
      methodPath(method),
      { requireLeader },
      {
        message: (bytes) => outbox.post(packet("message", call, bytes)),
        end: (error) => {
          streams.delete(call);
          if (error === undefined) outbox.post(packet("end", call));
          else fail(call, error);
        },
      },
    );
    streams.set(call, stream);
  };
  const cancel = (call: number) => {
    calls.get(call)?.giveUp();
    calls.delete(call);
    streams.get(call)?.cancel();
    streams.delete(call);
  };
  const take = (asked: Packet) => {
    if (asked.kind === "unary") unary(asked);
    else if (asked.kind === "open") open(asked);
    else if (asked.kind === "send") streams.get(asked.call)?.send(asked.body);
    else if (asked.kind === "halfClose") streams.get(asked.call)?.halfClose();
    else if (asked.kind === "cancel") cancel(asked.call);
  };
  port.on("message", (buffer: ArrayBuffer) => {
    for (const asked of unpacked(buffer)) take(asked);
  });
  port.on("close", () => {
    for (const call of [...calls.keys(), ...streams.keys()]) cancel(call);
  });
}
