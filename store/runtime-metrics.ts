import { getHeapStatistics } from "node:v8";
import type { Meter } from "../base/os/metrics.ts";
import { procText } from "../base/os/proc.ts";

/** Those metrics of Go's runtime that have a counterpart in V8's. */
export function runtimeMetrics(meter: Meter): void {
  const heapBytes = () => getHeapStatistics().used_heap_size;
  meter.observed("go_memstats_alloc_bytes", "Bytes allocated and still in use, of V8's heap.", heapBytes);
  meter.observed(
    "go_memstats_heap_alloc_bytes",
    "Bytes allocated and still in use, of V8's heap.",
    heapBytes,
  );
  meter.observed(
    "go_memstats_heap_sys_bytes",
    "Bytes of V8's heap obtained from the system.",
    () => getHeapStatistics().total_heap_size,
  );
  meter.observed("go_threads", "Number of OS threads of the process.", () =>
    Number(/^Threads:\s+(\d+)/m.exec(procText("/proc/self/status"))?.[1] ?? Number.NaN),
  );
}
