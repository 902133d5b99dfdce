import { below, Prng } from "../../../base/os/random.ts";
import { utf8 } from "../../../base/wire.ts";
import { methods } from "../../../proto/etcd-methods.ts";
import { assertAlike, besideEach, both, rounds, type Side, seed } from "./beside.ts";

const valueBytes = 60_000;

// A fragment is closed at 512 KiB more than a request may have. Ours begins a new answer at each mebibyte, whatever is asked for.
besideEach({ what: "watches of what was", flags: ["--max-request-bytes=200000"] }, (pair) => {
  for (let n = 0; n < rounds; n++)
    it(`come in the same fragments, ${n}`, async () => {
      const random = new Prng(seed * 1_000 + n);
      const key = utf8(`fragments/${n}`);
      const values = Array.from({ length: 11 + below(random, 6) }, () => below(random, valueBytes));
      const watch = async ({ client }: Side, fragment: boolean, startRevision: number) => {
        const stream = client.open(methods.watch);
        stream.send({ createRequest: { key, startRevision, fragment } });
        const eventsCount = () => stream.told.flatMap(eventsOf).length;
        await stream.until(() => eventsCount() === values.length);
        stream.cancel();
        return stream.told.filter((one) => "answer" in one);
      };
      const told = await both(pair(), async (side) => {
        let first = 0;
        for (const bytes of values) {
          const put = await side.client.call(methods.put, { key, value: new Uint8Array(bytes) });
          first ||= "answer" in put ? (put.answer as Answer).header.revision : 0;
        }
        return [await watch(side, true, first), await watch(side, false, first)];
      });
      assertAlike(told, [{ fragments: values }]);
    });
});

const everySecond = ["--watch-progress-notify-interval=1s"];
besideEach({ what: "watches that hear of progress", flags: everySecond, versions: ["3.7"] }, (pair) => {
  it("are told how far they are while nothing happens, each by its id", async () => {
    const told = await both(pair(), async ({ client }) => {
      const stream = client.open(methods.watch);
      for (const [watchId, progressNotify] of [
        [1n, true],
        [2n, false],
        [3n, true],
      ] as const)
        stream.send({ createRequest: { key: utf8("idle"), watchId, progressNotify } });
      const idsToldTwice = () =>
        [1n, 3n].filter((id) => stream.told.filter((one) => isOf(one, id)).length >= 3);
      await stream.until(() => idsToldTwice().length === 2);
      stream.cancel();
      const first = (id: bigint) => stream.told.filter((one) => isOf(one, id)).slice(0, 2);
      return [1n, 2n, 3n].map(first);
    });
    assertAlike(told, [{ progressNotify: "every second" }]);
  });
});

interface Answer {
  readonly header: { readonly revision: number };
  readonly watchId: bigint;
  readonly events: readonly object[];
}
const answerIn = (told: object) => ("answer" in told ? (told.answer as Answer) : undefined);
const isOf = (told: object, id: bigint) => answerIn(told)?.watchId === id;
const eventsOf = (told: object) => answerIn(told)?.events ?? [];
