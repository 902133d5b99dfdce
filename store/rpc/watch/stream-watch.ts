import type { WatchCreateRequest } from "../../../proto/etcd.ts";
import type { WatchBatch } from "../../watch/event-bytes.ts";
import type { Watch } from "../../watch/hub.ts";
import type { WatchSink } from "../../watch/watcher.ts";
import type { WatchSource } from "./watch-source.ts";

/** The stream that a watch is of. */
export interface WatchOwner {
  /** The client keeps up. */
  readonly hasRoom: boolean;
  deliver(watch: StreamWatch, batch: WatchBatch): void;
  compacted(watch: StreamWatch, compactRevision: number): void;
}

/** One watch of a stream, as the hub sees it. */
export class StreamWatch implements WatchSink {
  readonly id: bigint;
  readonly fragment: boolean;
  readonly progressNotify: boolean;
  readonly handle: Watch;
  readonly #stream: WatchOwner;
  /** Something was sent since the last round of progress messages, so the next may be left out. */
  busy = false;

  constructor(
    request: WatchCreateRequest,
    parts: { readonly id: bigint; readonly stream: WatchOwner; readonly watches: WatchSource },
  ) {
    this.id = parts.id;
    this.fragment = request.fragment;
    this.progressNotify = request.progressNotify;
    this.#stream = parts.stream;
    this.handle = parts.watches.watch(request, this);
  }

  get ready(): boolean {
    return this.#stream.hasRoom;
  }

  deliver(batch: WatchBatch): void {
    this.busy = true;
    this.#stream.deliver(this, batch);
  }

  compacted(compactRevision: number): void {
    this.#stream.compacted(this, compactRevision);
  }
}
