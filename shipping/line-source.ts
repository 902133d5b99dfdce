import type { DiskBuffer } from "./buffer/disk-buffer.ts";
import type { Frame } from "./buffer/frame.ts";

/** Where lines come from. */
export interface LineSource {
  /** What is new, about so many bytes. A failure is tried again. */
  read(bytesMost: number): Promise<readonly Frame[]>;
  /** `wake` is to be called when there is more, where that is known without looking. */
  onMore(wake: () => void): void;
  /** The receiver has more than before. */
  settled(buffer: Pick<DiskBuffer, "settled">): void;
  /** Whether a file is gone and need not be remembered. */
  isGone(file: string): boolean;
  close(): Promise<void>;
}
