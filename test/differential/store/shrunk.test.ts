import assert from "node:assert/strict";
import { shrunk } from "./shrunk.ts";

interface Shown {
  readonly list: readonly number[];
}
/** Each a little smaller. */
const smaller = (value: number) => (value > 0 ? [Math.floor(value / 2), value - 1] : []);

describe("the shortest list that shows the same", () => {
  const shortest = (given: readonly number[], isShown: (list: readonly number[]) => boolean) =>
    shrunk<number, Shown>({ list: given }, async (list) => (isShown(list) ? { list } : undefined), smaller);

  it("keeps what is needed, wherever it stands, in its order", async () => {
    const needed = [3, 77, 4, 99];
    const isShown = (list: readonly number[]) => {
      let at = 0;
      for (const value of list) if (value === needed[at]) at++;
      return at === needed.length;
    };
    assert.deepEqual(
      (
        await shortest(
          Array.from({ length: 200 }, (_, at) => (at * 7 + 3) % 101),
          isShown,
        )
      ).list,
      needed,
    );
  });

  it("makes elements simpler, and leaves out what that makes superfluous", async () => {
    const isShown = (list: readonly number[]) => list.some((value) => value >= 10) && list.at(-1) !== 0;
    assert.deepEqual((await shortest([1, 40, 2, 90, 3], isShown)).list, [10]);
  });

  it("goes on from the part that showed it", async () => {
    const show = async (list: readonly number[]) => {
      const at = list.indexOf(5);
      return at === -1 ? undefined : { list: list.slice(0, at + 1) };
    };
    const { list } = await shrunk<number, Shown>({ list: [1, 5, 2, 5, 3] }, show, () => []);
    assert.deepEqual(list, [5]);
  });

  it("comes to an end where every try shows it", async () => {
    let tries = 0;
    const show = async (list: readonly number[]) => {
      tries++;
      return { list };
    };
    await shrunk<number, Shown>({ list: [1, 2] }, show, (value) => [value + 1]);
    assert.ok(tries <= 200);
  });
});
