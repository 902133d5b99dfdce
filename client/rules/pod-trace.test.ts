import assert from "node:assert/strict";
import { systemClock } from "../../base/os/clock.ts";
import { Prng } from "../../base/os/random.ts";
import { activeTraceparent } from "../../base/tracing/active-span.ts";
import type { EndedSpan } from "../../base/tracing/span.ts";
import { Tracer } from "../../base/tracing/tracer.ts";
import { inTraceOf, traceAnnotation } from "./pod-trace.ts";

describe("an object's trace", () => {
  const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
  const spanId = "00f067aa0ba902b7";
  const object = (text: string) => ({ metadata: { annotations: { [traceAnnotation]: text } } });
  let ended: EndedSpan[];
  let tracer: Tracer;
  beforeEach(() => {
    ended = [];
    tracer = new Tracer(1_000_000, {
      clock: systemClock,
      random: new Prng(1),
      ended: (one) => ended.push(one),
    });
  });
  const what = { name: "Scheduling", startMs: 5, attributes: () => ({ node: "n1" }) };

  it("goes on with what is done for the object, and says whether that failed", async () => {
    const traced = object(`00-${traceId}-${spanId}-01`);
    const told = await inTraceOf(tracer, traced, what, async () => activeTraceparent());
    const [span] = ended;
    assert.equal(told, `00-${traceId}-${span?.context.spanId}-01`);
    assert.deepEqual([span?.parentId, span?.startMs, span?.attributes], [spanId, 5, { node: "n1" }]);
    await assert.rejects(
      inTraceOf(tracer, traced, what, () => Promise.reject(new Error("no"))),
      /no/,
    );
    assert.equal(ended[1]?.failure, "no");
  });

  it("is nobody's where there is none, it is not sampled, or nothing traces", async () => {
    const none = [object("x"), object(`00-${traceId}-${spanId}-00`), { metadata: {} }];
    for (const one of none)
      assert.equal(await inTraceOf(tracer, one, what, async () => activeTraceparent()), undefined);
    assert.equal(await inTraceOf(undefined, object(`00-${traceId}-${spanId}-01`), what, async () => 7), 7);
    assert.deepEqual(ended, []);
  });
});
