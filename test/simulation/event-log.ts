/** Everything that happens, as text: the last events for people, a digest of all for comparing runs. */
export class EventLog {
  readonly #nowMs: () => number;
  readonly #last: string[] = [];
  #at = 0;
  #digest = 0x811c9dc5;
  count = 0;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  add(event: string): void {
    const line = `${this.#nowMs().toFixed(2)} ${event}`;
    let digest = this.#digest;
    for (let i = 0; i < line.length; i++) digest = Math.imul(digest ^ line.charCodeAt(i), 0x01000193);
    this.#digest = digest;
    this.count++;
    this.#last[this.#at] = line;
    this.#at = (this.#at + 1) % lastEvents;
  }

  get digest(): string {
    return (this.#digest >>> 0).toString(16).padStart(8, "0");
  }

  /** Oldest first. */
  last(count: number): readonly string[] {
    const inOrder = [...this.#last.slice(this.#at), ...this.#last.slice(0, this.#at)];
    return inOrder.slice(-count);
  }
}

const lastEvents = 2_000;
