import type { Socket } from "node:net";
import type { Log } from "../../../base/os/log.ts";
import { PeerInputError } from "../../driver/peer-input.ts";
import type { MemberId, Message } from "../../raft/types.ts";
import {
  type Frame,
  type FrameKind,
  FrameReader,
  frame,
  frameBytesMax,
  frameKinds,
  smallFrameBytesMax,
} from "./frame.ts";
import { type Hello, hello, helloProblem } from "./hello.ts";
import { decodeMessage } from "./message-codec.ts";
import { readQuestion, writeAnswer } from "./question.ts";
import { SnapshotReceiver } from "./snapshot-receiver.ts";

export const incomingLimits = {
  /** A connection that does not say hello for so long is closed. */
  helloWithinMs: 10_000,
  /** A snapshot of which nothing more comes for so long has failed: while one is being taken in, nothing is applied. */
  snapshotSilenceMs: 30_000,
  /** Answers that a peer does not read, beyond which nothing more is read of it. */
  unreadBytesMax: 1024 * 1024,
} as const;
const noBytes = new Uint8Array(0);

export interface IncomingHandlers {
  /** Throws for what cannot be taken: the connection is closed. */
  readonly onMessage: (message: Message) => void;
  /** Resolves when the snapshot is installed. */
  readonly onSnapshot: (message: Message, chunks: AsyncIterable<Uint8Array>) => Promise<void>;
  readonly onQuestion: (kind: string, id: bigint) => Promise<Uint8Array>;
  /** Members that were taken out of the cluster are turned away. */
  readonly isRemoved: (id: MemberId) => boolean;
  readonly onHello: (said: Pick<Hello, "from" | "peerUrls">) => void;
  readonly onReceived: (from: MemberId, bytes: number) => void;
  /** What came of it could not be taken. */
  readonly onReceiveFailure: (from: MemberId) => void;
}

type Limits = { readonly [name in keyof typeof incomingLimits]: number };

type State =
  | { readonly state: "new" }
  | { readonly state: "messages"; readonly from: MemberId }
  | { readonly state: "members" }
  | { readonly state: "snapshot"; readonly from: MemberId; readonly receiver?: SnapshotReceiver }
  | { readonly state: "closed" };

/** The receiving end of a connection that a peer opened; lives as long as the socket. What comes in is not trusted: whatever
 *  does not fit the hello, the state of the connection or this member ends the connection, and nothing else. */
export function acceptPeer(
  socket: Socket,
  self: { readonly clusterId: bigint; readonly memberId: MemberId },
  handlers: IncomingHandlers,
  log: Log,
  limits: Limits = incomingLimits,
): void {
  const reader = new FrameReader(smallFrameBytesMax);
  let state: State = { state: "new" };
  socket.setNoDelay(true);
  let onSilence = () => void socket.destroy();
  socket.on("timeout", () => onSilence());
  socket.setTimeout(limits.helloWithinMs);

  const send = (kind: FrameKind, payload: Uint8Array) => {
    if (socket.destroyed || socket.writableEnded) return;
    socket.write(frame(kind, payload));
    if (socket.writableLength <= limits.unreadBytesMax || socket.isPaused()) return;
    socket.pause();
    socket.once("drain", () => socket.resume());
  };
  const greet = (given: Frame): State => {
    if (given.kind === frameKinds.refused) throw new PeerInputError(given.payload.toString("utf8", 0, 200));
    if (given.kind !== frameKinds.hello)
      throw new PeerInputError("a connection that does not begin with a hello");
    const said = hello.decode(given.payload);
    const problem = helloProblem(said, self, handlers.isRemoved);
    if (problem !== undefined) {
      state = { state: "closed" };
      socket.end(frame(frameKinds.refused, Buffer.from(problem)));
      throw new Error(problem);
    }
    socket.setTimeout(0);
    const next = stateFor(said);
    if (next.state !== "members") reader.bytesMax = frameBytesMax;
    if (next.state === "snapshot") watchSilence();
    if (next.state !== "members") handlers.onHello(said);
    send(frameKinds.welcome, noBytes);
    return next;
  };
  /** While this member itself does not read, because it has enough to install, the peer cannot be blamed. */
  const watchSilence = () => {
    onSilence = () => {
      if (socket.isPaused()) watchSilence();
      else socket.destroy(new Error("nothing more came of a snapshot"));
    };
    socket.setTimeout(limits.snapshotSilenceMs);
  };
  /** What a peer says is its own, and meant for this member. */
  const messageFrom = (from: MemberId, payload: Buffer): Message => {
    const message = decodeMessage(payload);
    if (message.from !== from)
      throw new PeerInputError(
        `member ${from.toString(16)} sends in the name of ${message.from.toString(16)}`,
      );
    if (message.to !== self.memberId)
      throw new PeerInputError(
        `a message for member ${message.to.toString(16)}, not ${self.memberId.toString(16)}`,
      );
    return message;
  };
  const receiveSnapshot = (message: Message): SnapshotReceiver => {
    const receiver = new SnapshotReceiver({ pause: () => socket.pause(), resume: () => socket.resume() });
    const end = (outcome: Uint8Array | Error) => {
      receiver.fail(new Error("the snapshot was dealt with"));
      onSilence = () => void socket.destroy();
      socket.setTimeout(limits.helloWithinMs); // time to read the answer
      if (!socket.destroyed) socket.end(frame(frameKinds.answer, writeAnswer(0, outcome)));
    };
    handlers.onSnapshot(message, receiver).then(
      () => end(noBytes),
      (error: Error) => {
        log.warn("failed to install a snapshot", { error });
        end(error);
      },
    );
    return receiver;
  };
  const answer = (payload: Buffer, allowed: (kind: string) => boolean) => {
    if (payload.length > smallFrameBytesMax)
      throw new PeerInputError(`a question of ${payload.length} bytes`);
    const { number, kind, id } = readQuestion(payload);
    if (!allowed(kind)) throw new PeerInputError(`a question for ${JSON.stringify(kind)} before it is known`);
    const reply = (outcome: Uint8Array | Error) => send(frameKinds.answer, writeAnswer(number, outcome));
    handlers.onQuestion(kind, id).then(reply, reply);
  };
  const take = (one: Frame): void => {
    const { kind, payload } = one;
    const unfit = () => new PeerInputError(`a frame of kind ${kind} on a connection for ${state.state}`);
    switch (state.state) {
      case "new":
        state = greet(one);
        return;
      case "messages":
        handlers.onReceived(state.from, payload.length);
        if (kind === frameKinds.message) handlers.onMessage(messageFrom(state.from, payload));
        else if (kind === frameKinds.ping) send(frameKinds.pong, noBytes);
        else if (kind === frameKinds.question) answer(payload, () => true);
        else throw unfit();
        return;
      case "members":
        if (kind !== frameKinds.question) throw unfit();
        answer(payload, (asked) => asked === "members" || asked === "version");
        return;
      case "snapshot": {
        const { receiver, from } = state;
        if (receiver === undefined) {
          if (kind !== frameKinds.message) throw unfit();
          state = { ...state, receiver: receiveSnapshot(messageFrom(from, payload)) };
        } else if (kind === frameKinds.chunk) receiver.chunk(payload);
        else if (kind === frameKinds.end) {
          socket.setTimeout(0); // it is all here, and to install it may take long
          receiver.finish();
        } else throw unfit();
        return;
      }
      case "closed":
        return;
    }
  };
  socket.on("data", (chunk: Buffer) => {
    if (state.state === "closed") return;
    try {
      for (const one of reader.push(chunk)) take(one);
    } catch (error) {
      log.warn("closed a peer's connection", { error, "remote-addr": socket.remoteAddress });
      if (!socket.writableEnded) socket.destroy();
      if (state.state === "messages" || state.state === "snapshot") handlers.onReceiveFailure(state.from);
      if (state.state === "snapshot") state.receiver?.fail(asError(error));
      state = { state: "closed" };
    }
  });
  socket.on("error", (error) => log.debug("a peer's connection failed", { error }));
  socket.on("close", () => {
    if (state.state === "snapshot") state.receiver?.fail(new Error("the peer closed the connection"));
  });
}

function stateFor({ purpose, from }: Hello): State {
  if (purpose === "members") return { state: "members" };
  return purpose === "snapshot" ? { state: "snapshot", from } : { state: "messages", from };
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
