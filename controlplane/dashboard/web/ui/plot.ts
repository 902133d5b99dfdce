import uPlot from "uplot";
import { amountText, axisSteps, type Measure } from "../model/chart-amounts.ts";
import { lineColours, lineStyle } from "../model/line-style.ts";
import { type Lines, type Mark, topOf } from "../model/usage.ts";

export interface PlotInput {
  readonly measure: Measure;
  readonly lines: Lines;
  readonly marks: readonly Mark[];
}

export interface PlotEvents {
  /** The point under the cursor; undefined for none. */
  onPoint(at: number | undefined): void;
  onZoom(isZoomed: boolean): void;
}

const heightPx = 220;

/** A chart on a canvas. What is in it is told by its owner, in words, to who cannot see it. */
export class Plot {
  readonly #box: HTMLElement;
  readonly #events: PlotEvents;
  readonly #seen: ResizeObserver;
  #plot: uPlot | undefined;
  #input: PlotInput | undefined;
  #shape = "";
  #isZoomed = false;

  constructor(box: HTMLElement, events: PlotEvents) {
    this.#box = box;
    this.#events = events;
    this.#seen = new ResizeObserver(() =>
      this.#plot?.setSize({ width: this.#box.clientWidth, height: heightPx }),
    );
    this.#seen.observe(box);
  }

  show(input: PlotInput): void {
    this.#input = input;
    const shape = [input.measure, ...input.lines.lines.map(({ name }) => name)].join("\n");
    const data = [input.lines.times, ...input.lines.lines.map(({ values }) => values)] as uPlot.AlignedData;
    if (this.#plot === undefined || shape !== this.#shape) {
      this.#shape = shape;
      this.#make(data);
    } else this.#plot.setData(data, !this.#isZoomed);
    if (this.#isZoomed) this.#plot?.redraw();
  }

  /** Colours are read anew: the theme has changed. */
  repaint(): void {
    const data = this.#plot?.data;
    if (data) this.#make(data);
  }

  /** Puts the cursor on a point. */
  point(at: number): void {
    const time = this.#input?.lines.times[at];
    if (this.#plot === undefined || time === undefined) return;
    this.#plot.setCursor({ left: this.#plot.valToPos(time, "x"), top: 10 });
  }

  /** Halves what is shown around a point, or shows all again. */
  zoom(at: number): void {
    const plot = this.#plot;
    const time = this.#input?.lines.times[at];
    if (plot === undefined || time === undefined) return;
    const { min = 0, max = 0 } = plot.scales.x ?? {};
    const half = ((max ?? 0) - (min ?? 0)) / 4;
    if (half < 15) return;
    this.#isZoomed = true;
    plot.setScale("x", { min: time - half, max: time + half });
    this.#events.onZoom(true);
  }

  reset(): void {
    this.#isZoomed = false;
    this.#events.onZoom(false);
    if (this.#plot) this.#plot.setData(this.#plot.data, true);
  }

  close(): void {
    this.#seen.disconnect();
    this.#plot?.destroy();
  }

  #make(data: uPlot.AlignedData): void {
    this.#plot?.destroy();
    this.#isZoomed = false;
    this.#events.onZoom(false);
    const colour = coloursOf(this.#box);
    const { measure = "cpu" } = this.#input ?? {};
    const axis: uPlot.Axis = {
      stroke: colour("--quiet"),
      grid: { stroke: colour("--line"), width: 1 },
      ticks: { stroke: colour("--line"), width: 1, size: 4 },
      font: fontOf(this.#box, 1),
    };
    this.#plot = new uPlot(
      {
        width: this.#box.clientWidth,
        height: heightPx,
        legend: { show: false },
        cursor: { drag: { x: true, y: false, setScale: false }, points: { size: 7 } },
        scales: {
          x: { time: true },
          y: { range: () => [0, this.#input ? topOf(this.#input.lines, this.#input.marks) : 1] },
        },
        axes: [
          { ...axis, size: 32, space: 70, values: timesText },
          {
            ...axis,
            size: 64,
            incrs: axisSteps(measure),
            values: (_plot, values) => values.map((one) => amountText(measure, one)),
          },
        ],
        series: [
          {},
          ...(this.#input?.lines.lines ?? []).map(({ name }, at): uPlot.Series => {
            const { colour: token, pattern } = lineStyle(at);
            return {
              label: name,
              stroke: colour(token),
              width: at === 0 ? 2 : 1.5,
              dash: [...pattern],
              spanGaps: false,
              points: { show: (plot, one, first, last) => isSparse(plot, one, first, last) },
            };
          }),
        ],
        hooks: {
          setCursor: [(plot) => this.#events.onPoint(plot.cursor.idx ?? undefined)],
          setSelect: [(plot) => this.#select(plot)],
          draw: [(plot) => this.#drawMarks(plot, colour("--text"))],
        },
      },
      data,
      this.#box,
    );
    this.#plot.over.addEventListener("dblclick", () => this.reset());
  }

  #select(plot: uPlot): void {
    const { left, width } = plot.select;
    if (width < 8) return;
    this.#isZoomed = true;
    plot.setScale("x", { min: plot.posToVal(left, "x"), max: plot.posToVal(left + width, "x") });
    plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
    this.#events.onZoom(true);
  }

  /** Requests and limits: dashed lines from side to side, with their names. */
  #drawMarks(plot: uPlot, colour: string): void {
    const { ctx, bbox } = plot;
    const top = plot.scales.y?.max ?? 0;
    ctx.save();
    ctx.strokeStyle = colour;
    ctx.fillStyle = colour;
    ctx.lineWidth = devicePixelRatio;
    ctx.setLineDash([3 * devicePixelRatio, 4 * devicePixelRatio]);
    ctx.font = fontOf(this.#box, devicePixelRatio);
    ctx.textAlign = "right";
    for (const { label, value } of this.#input?.marks ?? []) {
      if (value > top) continue;
      const y = plot.valToPos(value, "y", true);
      ctx.beginPath();
      ctx.moveTo(bbox.left, y);
      ctx.lineTo(bbox.left + bbox.width, y);
      ctx.stroke();
      ctx.fillText(label, bbox.left + bbox.width - 4, y - 6 * devicePixelRatio);
    }
    ctx.restore();
  }
}

/** A point without neighbours would not be seen as a line. */
function isSparse(_plot: uPlot, _series: number, first: number, last: number): boolean {
  return last - first < 30;
}

/** Times of an axis, in the browser's time zone; a day stands where it begins. */
function timesText(_plot: uPlot, splits: readonly number[]): string[] {
  const isLong = (splits.at(-1) ?? 0) - (splits[0] ?? 0) > 86_400;
  const isFine = (splits[1] ?? 60) - (splits[0] ?? 0) < 60;
  return splits.map((seconds) => {
    const date = new Date(seconds * 1000);
    if (isLong || (date.getHours() === 0 && date.getMinutes() === 0 && date.getSeconds() === 0))
      return date.toLocaleDateString(undefined, { month: "short", day: "numeric" });
    return date.toLocaleTimeString(undefined, {
      hour: "2-digit",
      minute: "2-digit",
      hourCycle: "h23",
      ...(isFine && { second: "2-digit" }),
    });
  });
}

/** Somewhat smaller than the text around it. */
function fontOf(box: HTMLElement, scale: number): string {
  const { fontFamily, fontSize } = getComputedStyle(box);
  return `${Math.round(Number.parseFloat(fontSize) * 0.86 * scale)}px ${fontFamily}`;
}

/** A canvas knows no custom properties: what they mean now is read from an element. */
function coloursOf(box: HTMLElement): (token: string) => string {
  const probe = document.createElement("span");
  box.append(probe);
  const known = new Map<string, string>();
  for (const token of [...lineColours, "--line"]) {
    probe.style.color = `var(${token})`;
    known.set(token, getComputedStyle(probe).color);
  }
  probe.remove();
  return (token) => known.get(token) ?? "gray";
}
