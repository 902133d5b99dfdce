export interface ApiAddress {
  readonly ip: string;
  readonly port: number;
}

/** An address that is to be published now, if there is one. */
export interface AddressToPublish {
  readonly address: ApiAddress | undefined;
  /** Aborts when another one is to be. */
  readonly replaced: AbortSignal;
  /** Says that it is about to be published. */
  readonly begins: () => void;
  /** Says that it was, or could not be for now. */
  readonly tried: () => void;
}

/** Where this server is reached. One that listens later has none until then. */
export class OwnAddress {
  #now: ApiAddress | undefined;
  #waiting: (() => void)[] = [];
  #replaced = new AbortController();
  #isGone = false;
  #isPublished = false;

  constructor(now: ApiAddress | undefined) {
    this.#now = now;
  }

  get now(): ApiAddress | undefined {
    return this.#now;
  }

  /** Others may know it. */
  get isPublished(): boolean {
    return this.#isPublished;
  }

  /** Resolves when it was published, or could not be for now. */
  async moveTo(address: ApiAddress): Promise<void> {
    this.#now = address;
    if (this.#isGone) return;
    const tried = new Promise<void>((resolve) => void this.#waiting.push(resolve));
    this.#replaced.abort();
    await tried;
  }

  /** For whoever publishes it. */
  take(): AddressToPublish {
    const waiting = this.#waiting;
    this.#waiting = [];
    if (this.#replaced.signal.aborted) this.#replaced = new AbortController();
    const tried = () => {
      for (const resolve of waiting) resolve();
    };
    const begins = () => {
      this.#isPublished = true;
    };
    return { address: this.#now, replaced: this.#replaced.signal, begins, tried };
  }

  /** Nobody publishes it any more. */
  gone(): void {
    this.#isGone = true;
    this.take().tried();
  }
}
