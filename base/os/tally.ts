/** Counters and histograms for hot paths: whoever counts looks its label values up once, and from then on counting is an
 *  addition. Written out in Prometheus' text format (https://prometheus.io/docs/instrumenting/exposition_formats/). */
export class Counting {
  count = 0;

  reset(): void {
    this.count = 0;
  }
}

/** How many there are now: goes up and down. */
export class Standing {
  count = 0;

  /** What is there is there, whoever begins to count anew. */
  reset(): void {}
}

/** Observations by bucket; `buckets` are upper bounds in rising order. */
export class Buckets {
  readonly bounds: readonly number[];
  readonly counts: number[];
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = new Array<number>(bounds.length + 1).fill(0); // the last one is beyond every bound
  }

  observe(value: number): void {
    let at = 0;
    while (at < this.bounds.length && value > (this.bounds[at] as number)) at++;
    this.counts[at] = (this.counts[at] as number) + 1;
    this.sum += value;
  }

  reset(): void {
    this.counts.fill(0);
    this.sum = 0;
  }
}

type TallyType = "counter" | "gauge" | "histogram";

/** One metric with all its label values, each with something of its own that counts. */
export class TallyFamily<L extends string, T extends { reset(): void }> {
  readonly #name: string;
  readonly #help: string;
  readonly #type: TallyType;
  readonly #make: () => T;
  readonly #lines: (name: string, labels: string, tally: T) => string;
  /** By the labels as they are written. */
  readonly #byLabels = new Map<string, T>();
  /** The same by the labels as they are handed in: found at once, where writing them takes a while. */
  readonly #found = new Map<string, T>();

  constructor(
    options: { readonly name: string; readonly help: string; readonly type: TallyType },
    make: () => T,
    lines: (name: string, labels: string, tally: T) => string,
  ) {
    this.#name = options.name;
    this.#help = options.help;
    this.#type = options.type;
    this.#make = make;
    this.#lines = lines;
  }

  /** The same one for the same labels; keep it where the counting is done. */
  of(labels: Readonly<Record<L, string>>): T {
    let key = "";
    for (const label in labels) key += `${label}\0${labels[label]}\0`;
    let tally = this.#found.get(key);
    if (tally === undefined) {
      tally = this.#made(labels);
      this.#found.set(key, tally);
    }
    return tally;
  }

  #made(labels: Readonly<Record<L, string>>): T {
    const text = Object.entries<string>(labels)
      .map(([label, value]) => `${label}="${escaped(value)}"`)
      .join(",");
    let tally = this.#byLabels.get(text);
    if (tally === undefined) {
      tally = this.#make();
      this.#byLabels.set(text, tally);
    }
    return tally;
  }

  /** Everybody who holds one counts on from nothing. */
  reset(): void {
    for (const tally of this.#byLabels.values()) tally.reset();
  }

  text(): string {
    const lines = [...this.#byLabels].map(([labels, tally]) => this.#lines(this.#name, labels, tally));
    return `# HELP ${this.#name} ${this.#help}\n# TYPE ${this.#name} ${this.#type}\n${lines.join("")}`;
  }
}

export function counterLines(name: string, labels: string, { count }: Counting | Standing): string {
  return `${name}${labels === "" ? "" : `{${labels}}`} ${count}\n`;
}

export function bucketLines(name: string, labels: string, { bounds, counts, sum }: Buckets): string {
  const comma = labels === "" ? "" : `${labels},`;
  const plain = labels === "" ? "" : `{${labels}}`;
  let below = 0;
  const lines = [...bounds, "+Inf"].map((bound, at) => {
    below += counts[at] ?? 0;
    return `${name}_bucket{${comma}le="${bound}"} ${below}\n`;
  });
  return `${lines.join("")}${name}_sum${plain} ${sum}\n${name}_count${plain} ${below}\n`;
}

function escaped(value: string): string {
  return value.replace(/[\\"]/g, "\\$&").replaceAll("\n", "\\n");
}
