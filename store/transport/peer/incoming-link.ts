import type { Socket } from "node:net";
import type { Log } from "../../../base/os/log.ts";
import type { MemberId, Message } from "../../raft/types.ts";
import { type Frame, FrameReader, frame, frameKinds } from "./frame.ts";
import { hello, helloProblem } from "./hello.ts";
import { decodeMessage } from "./message-codec.ts";
import { readQuestion, writeAnswer } from "./question.ts";
import { SnapshotReceiver } from "./snapshot-receiver.ts";

/** A connection that does not say hello for so long is closed. */
const helloWithinMs = 10_000;
const noBytes = new Uint8Array(0);

export interface IncomingHandlers {
  readonly onMessage: (message: Message) => void;
  /** Resolves when the snapshot is installed. */
  readonly onSnapshot: (message: Message, chunks: AsyncIterable<Uint8Array>) => Promise<void>;
  readonly onQuestion: (kind: string, id: bigint) => Promise<Uint8Array>;
  /** Members that were taken out of the cluster are turned away. */
  readonly isRemoved: (id: MemberId) => boolean;
  readonly onHello: (from: MemberId) => void;
  readonly onReceived: (from: MemberId, bytes: number) => void;
}

type State =
  | { readonly state: "new" }
  | { readonly state: "messages"; readonly from: MemberId }
  | { readonly state: "members" }
  | { readonly state: "snapshot"; readonly from: MemberId; readonly receiver?: SnapshotReceiver };

/** The receiving end of a connection that a peer opened; lives as long as the socket. */
export function acceptPeer(
  socket: Socket,
  self: { readonly clusterId: bigint; readonly memberId: MemberId },
  handlers: IncomingHandlers,
  log: Log,
): void {
  const reader = new FrameReader();
  let state: State = { state: "new" };
  socket.setNoDelay(true);
  socket.setTimeout(helloWithinMs, () => socket.destroy());

  const greet = (given: Frame): State => {
    if (given.kind !== frameKinds.hello) throw new Error("the connection does not begin with a hello");
    const said = hello.decode(given.payload);
    const problem = helloProblem(said, self, handlers.isRemoved);
    if (problem !== undefined) {
      socket.end(frame(frameKinds.refused, Buffer.from(problem)));
      throw new Error(problem);
    }
    socket.setTimeout(0);
    handlers.onHello(said.from);
    socket.write(frame(frameKinds.welcome, noBytes));
    if (said.purpose === "members") return { state: "members" };
    return said.purpose === "snapshot"
      ? { state: "snapshot", from: said.from }
      : { state: "messages", from: said.from };
  };
  const receiveSnapshot = (message: Message): SnapshotReceiver => {
    const receiver = new SnapshotReceiver({ pause: () => socket.pause(), resume: () => socket.resume() });
    handlers.onSnapshot(message, receiver).then(
      () => socket.end(frame(frameKinds.answer, writeAnswer(0, noBytes))),
      (error: Error) => {
        log.warn("failed to install a snapshot", { error });
        socket.end(frame(frameKinds.answer, writeAnswer(0, error)));
      },
    );
    return receiver;
  };
  const answer = (payload: Buffer) => {
    const { number, kind, id } = readQuestion(payload);
    const reply = (outcome: Uint8Array | Error) =>
      socket.write(frame(frameKinds.answer, writeAnswer(number, outcome)));
    handlers.onQuestion(kind, id).then(reply, reply);
  };
  const take = (one: Frame) => {
    const { kind, payload } = one;
    if (state.state === "new") state = greet(one);
    else if (state.state === "messages") {
      handlers.onReceived(state.from, payload.length);
      if (kind === frameKinds.message) handlers.onMessage(decodeMessage(payload));
      else if (kind === frameKinds.ping) socket.write(frame(frameKinds.pong, noBytes));
      else if (kind === frameKinds.question) answer(payload);
    } else if (state.state === "members") {
      if (kind === frameKinds.question && readQuestion(payload).kind === "members") answer(payload);
    } else {
      if (kind === frameKinds.message && state.receiver === undefined)
        state = { ...state, receiver: receiveSnapshot(decodeMessage(payload)) };
      else if (kind === frameKinds.chunk) state.receiver?.chunk(payload);
      else if (kind === frameKinds.end) state.receiver?.finish(payload);
    }
  };
  socket.on("data", (chunk: Buffer) => {
    try {
      for (const one of reader.push(chunk)) take(one);
    } catch (error) {
      log.warn("closed a peer's connection", { error, "remote-addr": socket.remoteAddress });
      if (!socket.writableEnded) socket.destroy();
    }
  });
  socket.on("error", (error) => log.debug("a peer's connection failed", { error }));
  socket.on("close", () => {
    if (state.state === "snapshot") state.receiver?.fail(new Error("the peer closed the connection"));
  });
}
