import assert from "node:assert/strict";
import fc from "fast-check";
import { type HeldLease, heldLeaseText, parseHeldLease } from "./held-lease.ts";

const held: HeldLease = {
  namespace: "kube-system",
  name: "kube-scheduler",
  holder: "host_12_ab",
  transitions: 3,
  uid: "6b2f7f0c-0b5a-4f57-8a55-0d2b1f9d5a11",
};

describe("client/held-lease", () => {
  it("is read as it was written, whoever holds the Lease", () => {
    assert.equal(
      heldLeaseText(held),
      "namespace=kube-system&name=kube-scheduler&holder=host_12_ab&transitions=3&uid=6b2f7f0c-0b5a-4f57-8a55-0d2b1f9d5a11",
    );
    const holders = fc
      .string({ minLength: 1, maxLength: 100, unit: "grapheme" })
      .filter((text) => !/[\p{Cc}\uFFFD]/u.test(text));
    fc.assert(
      fc.property(holders, fc.nat(2 ** 31 - 1), fc.boolean(), (holder, transitions, hasUid) => {
        const { uid, ...rest } = held;
        const said = { ...rest, holder, transitions, ...(hasUid && { uid }) };
        const text = heldLeaseText(said);
        assert.match(text, /^[\x21-\x7e]+$/);
        assert.deepEqual(parseHeldLease(text), said);
      }),
    );
  });

  const good = "namespace=a&name=b&holder=c&transitions=0";
  for (const [text, problem] of [
    ["", "lacks namespace, name, holder, transitions"],
    ["namespace=a&name=b&transitions=0", "lacks holder"],
    [`${good}&holder=d`, "says holder twice"],
    [`${good}&renewTime=1`, 'has "renewTime", which is none of its names'],
    [`${good}&__proto__=1`, 'has "__proto__", which is none of its names'],
    [good.replace("=a", "=a%2Fb"), 'has a namespace that can be none: "a/b"'],
    [good.replace("=b", "=b.."), 'has a name that can be none: "b.."'],
    [good.replace("=c", "="), 'has a holder that can be none: ""'],
    [good.replace("=c", "=%0A"), 'has a holder that can be none: "\\n"'],
    [good.replace("=c", "=%FF"), 'has a holder that can be none: "\uFFFD"'],
    [good.replace("=c", "=%zz"), "has a % that begins no escape"],
    [good.replace("=0", "=01"), 'has a transitions that can be none: "01"'],
    [good.replace("=0", "=-1"), 'has a transitions that can be none: "-1"'],
    [good.replace("=0", "=2147483648"), "has more transitions than 2147483647"],
    [`${good}, ${good}`, 'has a transitions that can be none: "0, namespace=a"'],
    [`${good}&uid=`, 'has a uid that can be none: ""'],
    [good.replace("=c", `=${"c".repeat(2048)}`), "is longer than 2048 characters"],
  ] as const)
    it(`is refused where it ${problem.slice(0, 60)}`, () => {
      assert.deepEqual(parseHeldLease(text), { problem });
    });
});
