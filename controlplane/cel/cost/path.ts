/** The way from a variable to what an expression looks at. As in cel-go it is a slice: two ways that were lengthened from one
 *  may share their memory, and then the later one's last step is that of both. What Kubernetes estimates depends on it, and
 *  what it estimates decides which definitions are taken. */
export class Path {
  readonly #memory: string[];
  readonly #room: number;
  readonly length: number;

  private constructor(memory: string[], room: number, length: number) {
    this.#memory = memory;
    this.#room = room;
    this.length = length;
  }

  static of(name: string): Path {
    return new Path([name], 1, 1);
  }

  static readonly none: Path = new Path([], 0, 0);

  to(step: string): Path {
    const { length } = this;
    const fits = length < this.#room;
    const memory = fits ? this.#memory : this.#memory.slice(0, length);
    memory[length] = step;
    return new Path(memory, fits ? this.#room : Math.max(1, this.#room * 2), length + 1);
  }

  /** A copy of its own, one step longer. */
  apart(step: string): Path {
    return new Path([...this.steps(), step], this.length + 1, this.length + 1);
  }

  steps(): readonly string[] {
    return this.#memory.slice(0, this.length);
  }
}
