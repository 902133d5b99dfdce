/** Who wants to know how long what took; a cycle itself has no clock. */
export interface Measure {
  nowMs(): number;
  point(extensionPoint: string, status: "Success" | "Unschedulable" | "Error", startedMs: number): void;
  /** Whether the plugins of this cycle are measured too: one cycle in ten is. */
  readonly sampled: boolean;
  plugin(extensionPoint: string, plugin: string, startedMs: number): void;
}

export const noMeasure: Measure = {
  nowMs: () => 0,
  point: () => undefined,
  sampled: false,
  plugin: () => undefined,
};
