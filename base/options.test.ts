import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import {
  abortSignal,
  checkOptions,
  filledText,
  oneOf,
  optionProblems,
  positiveNumber,
  shown,
  truth,
  wholeNumber,
  withMethods,
} from "./options.ts";

const kinds = { many: wholeNumber(1, 9), isSo: truth, order: oneOf("up", "down"), name: filledText };

describe("options", () => {
  it("are what they must be, or left out", () => {
    deepStrictEqual(optionProblems({ many: 9, isSo: false, order: "up", name: undefined }, kinds), []);
    deepStrictEqual(optionProblems({ other: undefined }, kinds), []);
  });

  it("are told all that is wrong with them, a line each", () => {
    deepStrictEqual(optionProblems({ many: 10, order: "Up", name: "", constructor: 1 }, kinds, "it"), [
      "it.many: 10 must be a whole number from 1 to 9",
      'it.order: "Up" must be "up" or "down"',
      'it.name: "" must be a text that is not empty',
      "it.constructor: there is no such option; there are many, isSo, order, name",
    ]);
    for (const [given, words] of [
      [null, "the options: null must be an object"],
      ["up", 'the options: "up" must be an object'],
      [[1], "the options: a list must be an object"],
    ] as const)
      throws(() => checkOptions(given, kinds), { name: "TypeError", message: words });
  });

  it("are told by kind from what is near them", () => {
    const fits = (kind: { fits: (value: unknown) => boolean }, values: readonly unknown[]) =>
      values.map((value) => kind.fits(value));
    const never = (many: number) => Array(many).fill(false);
    deepStrictEqual(fits(wholeNumber(0), [0, 2 ** 53 - 1]), [true, true]);
    deepStrictEqual(fits(wholeNumber(0), [-1, 1.5, NaN, Infinity, 2 ** 53, "1", 1n, null]), never(8));
    deepStrictEqual(fits(positiveNumber, [0.5, 1e9]), [true, true]);
    deepStrictEqual(fits(positiveNumber, [0, -1, NaN, Infinity, "1", 1n, null]), never(7));
    deepStrictEqual(fits(abortSignal, [AbortSignal.abort(), new AbortController().signal]), [true, true]);
    deepStrictEqual(fits(abortSignal, [{}, null, new AbortController(), true]), never(4));
    deepStrictEqual(fits(withMethods("a log", "info"), [console, {}, null, "info"]), [true, ...never(3)]);
    deepStrictEqual(fits(truth, [0, null, "true"]), never(3));
  });

  it("are shown in few words, however long they are", () => {
    deepStrictEqual([5n, -0, null, () => 1, {}, Symbol("s"), "a\n"].map(shown), [
      "5n",
      "0",
      "null",
      "a function",
      "an object",
      "Symbol(s)",
      '"a\\n"',
    ]);
    strictEqual(shown("x".repeat(1e6)).length < 70, true);
  });
});
