import { utf8 } from "../../../base/wire.ts";
import { methods } from "../../../proto/etcd-methods.ts";
import type { Side } from "./beside.ts";
import type { HeardStream } from "./heard-stream.ts";
import type { OpenStream, Told } from "./raw-client.ts";
import { methodOf } from "./requests.ts";
import type { WatchStep } from "./watch-steps.ts";

/** No other request writes it. */
const fenceKey = utf8("~fence");
const fenceId = 1_000_000n;
const probeId = 2_000_000n;

interface Answer {
  readonly header: { readonly revision: number };
  readonly watchId: bigint;
  readonly created: boolean;
  readonly canceled: boolean;
  readonly compactRevision: number;
  readonly fragment: boolean;
  readonly events: readonly { readonly kv: { readonly key: Uint8Array; readonly modRevision: number } }[];
}
const answersOf = ({ told }: HeardStream) =>
  told.flatMap((one) => ("answer" in one ? [one.answer as unknown as Answer] : []));

/** The watch streams of one store. After each step all has arrived that the step brings about, so that both stores' answers can
 *  be compared: a fence, which is a key that each stream watches, is put, and its event stands behind those before it. */
export class WatchSide {
  readonly #side: Side;
  readonly #streams = new Map<number, OpenStream>();
  /** Watches the fence from where it was, so that it gets the event once all watches of the past before it have theirs. */
  readonly #probes: OpenStream;
  #fenceRevision = 0;
  /** The watches of each stream that a cancellation answers: where they started. */
  readonly #watches = new Map<OpenStream, Map<bigint, number>>();
  readonly #left: (readonly Told[])[] = [];

  constructor(side: Side) {
    this.#side = side;
    this.#probes = side.client.open(methods.watch);
  }

  /** What the step is answered, if it is, once what it brings about has arrived. */
  async take(step: WatchStep): Promise<Told | undefined> {
    if (step.do === "ask") {
      const told = await this.#side.client.call(methodOf(step.asked), step.asked.request);
      await this.#fence();
      return told;
    }
    const stream = this.#streams.get(step.stream) ?? (await this.#open(step.stream));
    if (!stream.isHalfClosed || step.do === "leave") await this.#onStream(stream, step);
    return undefined;
  }

  /** All answers by stream and watch: the order between watches is nobody's. */
  get heard(): object {
    const streams = [...this.#streams].sort(([a], [b]) => a - b);
    return [...this.#left, ...streams.map(([, stream]) => stream.told)].map(byWatch);
  }

  get revision(): number {
    return this.#fenceRevision;
  }

  end(): void {
    for (const stream of [...this.#streams.values(), this.#probes]) stream.cancel();
  }

  async #onStream(stream: OpenStream, step: Exclude<WatchStep, { do: "ask" }>): Promise<void> {
    switch (step.do) {
      case "create":
        return this.#create(stream, step);
      case "cancel":
        return this.#cancel(stream, step);
      case "progress":
        if (this.#saysProgress(stream)) await sendAndHear(stream, { progressRequest: {} }, isProgress);
        return;
      case "nothing":
        return stream.send({});
      case "halfClose":
        return stream.halfClose();
      case "leave":
        this.#left.push(stream.told.slice());
        this.#streams.delete(step.stream);
        return stream.cancel();
    }
  }

  async #open(number: number): Promise<OpenStream> {
    const stream = this.#side.client.open(methods.watch);
    this.#streams.set(number, stream);
    await this.#createOn(stream, { key: fenceKey, watchId: fenceId });
    await this.#fence();
    return stream;
  }

  #watchesOf(stream: OpenStream): Map<bigint, number> {
    const watches = this.#watches.get(stream) ?? new Map<bigint, number>();
    this.#watches.set(stream, watches);
    return watches;
  }

  /** A request for progress is answered at once. etcd forgets one that finds a watch of a later revision, or one that compaction
   *  ended and the client has not cancelled; ours answers it, at once or later (docs/reference/differences.md). */
  #saysProgress(stream: OpenStream): boolean {
    const watches = this.#watchesOf(stream);
    const isEnded = ({ watchId, compactRevision }: Answer) => compactRevision > 0 && watches.has(watchId);
    const isLater = (startRevision: number) => startRevision > this.#fenceRevision;
    return ![...watches.values()].some(isLater) && !answersOf(stream).some(isEnded);
  }

  async #create(stream: OpenStream, step: Extract<WatchStep, { do: "create" }>): Promise<void> {
    const answer = await this.#createOn(stream, step.request);
    const { startRevision } = step.request;
    if (answer?.canceled === false) this.#watchesOf(stream).set(answer.watchId, startRevision);
    if (startRevision > 0 && startRevision <= this.#fenceRevision) await this.#probe();
    await this.#fence();
  }

  async #createOn(stream: OpenStream, createRequest: object): Promise<Answer | undefined> {
    await sendAndHear(stream, { createRequest }, ({ created }) => created);
    return answersOf(stream).findLast(({ created }) => created);
  }

  async #cancel(stream: OpenStream, step: Extract<WatchStep, { do: "cancel" }>): Promise<void> {
    const { watchId } = step;
    const request = { cancelRequest: { watchId } };
    if (!this.#watchesOf(stream).delete(watchId)) return stream.send(request);
    await sendAndHear(stream, request, (answer) => answer.canceled && answer.watchId === watchId);
  }

  async #probe(): Promise<void> {
    const createRequest = { key: fenceKey, startRevision: this.#fenceRevision, watchId: probeId };
    await sendAndHear(this.#probes, { createRequest }, ({ events }) => events.length > 0);
    await sendAndHear(this.#probes, { cancelRequest: { watchId: probeId } }, ({ canceled }) => canceled);
  }

  async #fence(): Promise<void> {
    const put = await this.#side.client.call(methods.put, { key: fenceKey });
    const { revision } = "answer" in put ? (put.answer as unknown as Answer).header : { revision: 0 };
    this.#fenceRevision = revision;
    const isFence = ({ watchId, events }: Answer) =>
      watchId === fenceId && events.some(({ kv }) => kv.modRevision === revision);
    for (const stream of this.#streams.values()) await stream.until(() => answersOf(stream).some(isFence));
  }
}

/** Sends it and waits for one more answer of the kind. */
async function sendAndHear(stream: OpenStream, request: object, isAnswer: (answer: Answer) => boolean) {
  const count = () => answersOf(stream).filter(isAnswer).length;
  const before = count();
  stream.send(request);
  await stream.until(() => count() > before);
}

const isProgress = ({ created, canceled, events }: Answer) => !created && !canceled && events.length === 0;

/** What was told of each watch in its order, without the fence, on which some have an eye, too. How many revisions come in one
 *  answer is nobody's either; but one is in one answer or in fragments, and no answer's header is of an earlier one. */
function byWatch(told: readonly Told[]): object {
  const watches: Record<string, object[]> = {};
  const last = new Map<string, Answer>();
  for (const one of told) {
    const answer = "answer" in one ? (one.answer as unknown as Answer) : undefined;
    if (answer?.watchId === fenceId) continue;
    const id = answer === undefined ? "end" : String(answer.watchId);
    watches[id] ??= [];
    if (answer === undefined || answer.events.length === 0) watches[id].push(one);
    else watches[id].push(...eventsOf(answer, last.get(id)));
    if (answer !== undefined) last.set(id, answer);
  }
  return watches;
}

function eventsOf({ header, events }: Answer, before: Answer | undefined): readonly object[] {
  const revisions = events.map(({ kv }) => kv.modRevision);
  const isSplit = before?.fragment === false && before.events.at(-1)?.kv.modRevision === revisions[0];
  const isEarlier = revisions.some((revision) => revision > header.revision);
  const asked = events.filter(({ kv }) => Buffer.compare(kv.key, fenceKey) !== 0);
  return asked.map((event) => ({ event, isSplit, isEarlier }));
}
