import type { Buckets, Counting } from "../../../base/os/tally.ts";
import type { MetricLabels } from "../filters/metric-labels.ts";
import type { RequestMetrics } from "./request-metrics.ts";

/** The figures of requests that are counted alike and are no dry runs, looked up once. None appears before there is something to
 *  count. */
export class RequestFigures {
  readonly labels: MetricLabels;
  readonly #metrics: RequestMetrics;
  readonly #totals = new Map<number, Counting>();
  readonly #bodyBytes = new Map<string, Buckets>();
  #seconds: Buckets | undefined;
  #sliSeconds: Buckets | undefined;
  #responseBytes: Buckets | undefined;

  constructor(metrics: RequestMetrics, labels: MetricLabels) {
    this.#metrics = metrics;
    this.labels = labels;
  }

  total(code: number): Counting {
    let total = this.#totals.get(code);
    if (total === undefined) {
      total = this.#metrics.total.of({ ...this.labels, dry_run: "", code: String(code) });
      this.#totals.set(code, total);
    }
    return total;
  }

  get seconds(): Buckets {
    this.#seconds ??= this.#metrics.seconds.of({ ...this.labels, dry_run: "" });
    return this.#seconds;
  }

  get sliSeconds(): Buckets {
    this.#sliSeconds ??= this.#metrics.sliSeconds.of(this.labels);
    return this.#sliSeconds;
  }

  get responseBytes(): Buckets {
    this.#responseBytes ??= this.#metrics.responseBytes.of(this.labels);
    return this.#responseBytes;
  }

  /** @param verb What is done with the body. */
  bodyBytes(verb: string): Buckets {
    let bytes = this.#bodyBytes.get(verb);
    if (bytes === undefined) {
      const { resource, group } = this.labels;
      bytes = this.#metrics.bodyBytes.of({ resource, verb, group });
      this.#bodyBytes.set(verb, bytes);
    }
    return bytes;
  }
}

/** All of them. */
export class FiguresByLabels {
  readonly #metrics: RequestMetrics;
  readonly #known = new Map<string, RequestFigures>();

  constructor(metrics: RequestMetrics) {
    this.#metrics = metrics;
  }

  of(labels: MetricLabels): RequestFigures {
    const { verb, group, version, resource, subresource, scope, component } = labels;
    const key = `${verb} ${group} ${version} ${resource} ${subresource} ${scope} ${component}`;
    let figures = this.#known.get(key);
    if (figures === undefined) {
      figures = new RequestFigures(this.#metrics, labels);
      this.#known.set(key, figures);
    }
    return figures;
  }
}
