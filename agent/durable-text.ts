import { writeDurably } from "./write-durably.ts";

/** A file that is written again and again, one write after the other. */
export class DurableText {
  readonly #file: string;
  #writing: Promise<void> = Promise.resolve();

  constructor(file: string) {
    this.#file = file;
  }

  /** Rejects where it cannot be written; that hinders no later write. */
  write(text: string): Promise<void> {
    this.#writing = this.settled().then(() => writeDurably(this.#file, text));
    return this.#writing;
  }

  /** Resolves once nothing is being written any more. */
  settled(): Promise<void> {
    return this.#writing.catch(() => undefined); // whoever asked for that write hears how it went
  }
}
