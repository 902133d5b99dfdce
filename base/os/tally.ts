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

  /** The same for `times` observations that share one value: what was done together is timed together. */
  observeMany(value: number, times: number): void {
    let at = 0;
    while (at < this.bounds.length && value > (this.bounds[at] as number)) at++;
    this.counts[at] = (this.counts[at] as number) + times;
    this.sum += value * times;
  }

  reset(): void {
    this.counts.fill(0);
    this.sum = 0;
  }
}

/** Where the labels that were read so far lead: on, by name and value of the next one, or to what counts. */
interface Place<T> {
  readonly below: Map<string, Map<string, Place<T>>>;
  tally: T | undefined;
}

function placeBelow<T>({ below }: Place<T>, label: string, value: string): Place<T> {
  let byValue = below.get(label);
  if (byValue === undefined) {
    byValue = new Map();
    below.set(label, byValue);
  }
  let place = byValue.get(value);
  if (place === undefined) {
    place = { below: new Map(), tally: undefined };
    byValue.set(value, place);
  }
  return place;
}

type TallyType = "counter" | "gauge" | "histogram";

/** One metric with all its label values, each with something of its own that counts. */
export class TallyFamily<L extends string, T extends { reset(): void }> {
  readonly #name: string;
  readonly #help: string;
  readonly #type: TallyType;
  readonly #make: () => T;
  readonly #lines: (name: string, labels: string, tally: T) => string;
  /** By the labels as they are written: in the order of their names. */
  readonly #byLabels = new Map<string, T>();
  /** The same by the labels as they are handed in, one after the other: found at once, where writing them takes a while. */
  readonly #found: Place<T> = { below: new Map(), tally: undefined };

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
    let place = this.#found;
    for (const label in labels) place = placeBelow(place, label, labels[label]);
    place.tally ??= this.#made(labels);
    return place.tally;
  }

  #made(labels: Readonly<Record<L, string>>): T {
    const text = Object.entries<string>(labels)
      .sort(([a], [b]) => (a < b ? -1 : 1)) // as other servers write them, for whoever looks for a line
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
