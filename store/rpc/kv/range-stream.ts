import { failpoint } from "../../../base/failpoints/failpoint.ts";
import { varintBytes, writeVarint } from "../../../base/varint.ts";
import { type RangeRequest, rangeRequest, rangeResponse } from "../../../proto/etcd.ts";
import type { Requester } from "../../auth/auth-state.ts";
import { decodeKeyValue } from "../../mvcc/key-value.ts";
import type { RangeAnswer } from "../../mvcc/range.ts";
import type { Call, Incoming, Outgoing } from "../handler.ts";
import type { MemberParts } from "../member.ts";
import { checkRangeStream } from "./checks.ts";
import { joinedAnswer, largeAnswer } from "./repeated-answer.ts";

const beforeChunk = failpoint("beforeRangeStreamChunk");
/** etcd's size of the first chunk. */
const firstChunkKeys = 10;
/** A chunk so many times too long ends, whatever number of keys it was to have: large values may come behind many small ones. */
const chunkTargetsMax = 16;
const rangeResponseTag = 0x0a;
const zeroByte = Uint8Array.of(0);

/** A range in chunks of about as many bytes as a request may have, all at the revision at which the first was read. The last one
 *  alone has a header, says whether there is more behind the limit, and how many keys there are without it. A chunk is read when
 *  the client has taken the one before, so that no more than one waits for it; a compaction meanwhile ends the stream. */
export class RangeStream implements Incoming {
  readonly #out: Outgoing;
  readonly #call: Call;
  readonly #parts: MemberParts;
  #isOver = false;
  #resume: (() => void) | undefined;

  constructor(out: Outgoing, call: Call, parts: MemberParts) {
    this.#out = out;
    this.#call = call;
    this.#parts = parts;
  }

  async message(bytes: Uint8Array): Promise<void> {
    const request = rangeRequest.decode(bytes);
    checkRangeStream(request);
    const { access, reads } = this.#parts;
    if (!request.serializable) await reads.ready();
    const who = access.isOn ? await access.askerOf(this.#call) : undefined;
    if (who !== undefined) access.rights.range(request, who);
    await (request.countOnly ? this.#count(request, who) : this.#chunks(request, who));
    this.#out.end();
  }

  halfClose(): void {}

  drained(): void {
    const resume = this.#resume;
    this.#resume = undefined;
    resume?.();
  }

  closed(): void {
    this.#isOver = true;
    this.drained();
  }

  async #count(request: RangeRequest, who: Requester | undefined): Promise<void> {
    const { header, count } = await this.#parts.state.storedRange(request);
    const head = this.#parts.headerBytes.at(header.revision);
    await this.#send({ head, kvs: [], tail: rangeResponse.encode({ count }) }, who);
  }

  async #chunks(request: RangeRequest, who: Requester | undefined): Promise<void> {
    const { state, turns, headerBytes, limits } = this.#parts;
    let next = { ...request, limit: firstChunkKeys };
    let headerRevision = 0;
    let sentKeys = 0;
    for (;;) {
      if (request.limit > 0) next.limit = Math.min(next.limit, request.limit - sentKeys);
      await this.#call.roomForAnswer?.();
      if (beforeChunk.armed) await beforeChunk.pass();
      if (this.#isOver) return;
      const chunk = await state.storedChunk(next, chunkTargetsMax * limits.maxRequestBytes);
      headerRevision ||= chunk.header.revision;
      sentKeys += chunk.kvs.length;
      next = { ...next, revision: request.revision > 0 ? request.revision : headerRevision };
      if (chunk.more) next.key = behindLast(chunk);
      if (!chunk.more || sentKeys === request.limit) {
        const count = sentKeys + (chunk.more ? await this.#countOf(next) : 0);
        const tail = rangeResponse.encode({ more: chunk.more, count });
        await this.#send({ head: headerBytes.at(headerRevision), kvs: chunk.kvs, tail }, who);
        return;
      }
      const sentBytes = await this.#send({ head: nothing, kvs: chunk.kvs, tail: nothing }, who);
      next.limit = nextChunkKeys(chunk.kvs.length, sentBytes + fieldsBytes(chunk), limits.maxRequestBytes);
      await turns.next();
    }
  }

  async #countOf(rest: RangeRequest): Promise<number> {
    return (await this.#parts.state.storedRange({ ...rest, limit: 0, countOnly: true })).count;
  }

  /** Resolves with the answer's bytes when there is room for another. Rejects where users or roles have changed meanwhile. */
  async #send({ head, kvs, tail }: Chunk, who: Requester | undefined): Promise<number> {
    const fields = { head, field: 2, values: kvs, tail };
    const large = largeAnswer(fields);
    const answer = large === undefined ? joinedAnswer(fields) : await this.#parts.turns.run(large);
    this.#parts.access.requireCurrent(who);
    if (!this.#isOver && !this.#out.sendParts(partHead(answer.length), answer)) await this.#room();
    return answer.length;
  }

  #room(): Promise<void> {
    return new Promise((resolve) => {
      this.#resume = resolve;
    });
  }
}

interface Chunk {
  readonly head: Uint8Array;
  readonly kvs: readonly Uint8Array[];
  readonly tail: Uint8Array;
}

const nothing = new Uint8Array(0);

/** The first key that may follow. */
function behindLast({ kvs }: RangeAnswer): Uint8Array {
  const last = kvs[kvs.length - 1] ?? nothing;
  return Buffer.concat([decodeKeyValue(last).key, zeroByte]);
}

/** etcd's rule: twice or half as many as before while that was less than half or more than twice what it should be. */
function nextChunkKeys(keys: number, bytes: number, targetBytes: number): number {
  if (bytes < Math.floor(targetBytes / 2)) return keys * 2;
  if (bytes > targetBytes * 2) return Math.max(1, Math.floor(keys / 2));
  return keys;
}

/** What etcd counts of a chunk beside its keys: revision, more, and the key that stands for what is behind. */
function fieldsBytes({ header, kvs, more }: RangeAnswer): number {
  return rangeResponse.encode({ header, more, count: kvs.length + 1 }).length;
}

function partHead(length: number): Uint8Array {
  const head = Buffer.allocUnsafe(1 + varintBytes(length));
  head[0] = rangeResponseTag;
  writeVarint(head, 1, length);
  return head;
}
