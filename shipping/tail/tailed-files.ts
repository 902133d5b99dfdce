import type { Clock } from "../../base/os/clock.ts";
import type { Log } from "../../base/os/log.ts";
import type { LineSource } from "../line-source.ts";
import { mayBeSelected } from "../selection.ts";
import type { SourceAbout } from "../start-shipping.ts";
import type { LogFiles } from "./file-reader.ts";
import { Tail } from "./tail.ts";

export interface TailedParts {
  readonly clock: Clock;
  readonly log: Log;
  /** All logs that there are now. */
  readonly list: () => Promise<readonly LogFiles[]>;
}

/** Lines of files, as far as one receiver may want them. */
export function tailedFiles(
  { clock, log, list }: TailedParts,
  { selections, endOf }: SourceAbout,
): LineSource {
  const tail = new Tail({
    ...{ log, endOf },
    wallMs: () => clock.wallMs(),
    monotonicMs: () => clock.monotonicMs(),
    list: async () => (await list()).filter(({ stream }) => mayBeSelected(stream, selections)),
  });
  return {
    read: (bytesMost) => tail.read(bytesMost),
    onMore: () => undefined,
    settled: () => undefined,
    isGone: (file) => tail.isGone(file),
    close: () => tail.close(),
  };
}
