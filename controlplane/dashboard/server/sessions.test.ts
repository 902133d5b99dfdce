import assert from "node:assert/strict";
import { Prng } from "../../../base/os/random.ts";
import { type Session, Sessions, sessionLimits } from "./sessions.ts";

describe("dashboard sessions", () => {
  const local: Session = { config: { servers: ["https://127.0.0.1:1"], namespace: "default" }, by: "link" };
  let nowMs = 0;
  const clock = { monotonicMs: () => nowMs, wallMs: () => nowMs, after: () => () => undefined };
  let sessions: Sessions;
  beforeEach(() => {
    nowMs = 0;
    sessions = new Sessions({ clock, random: new Prng(7) });
  });

  it("a code opens one session, once", () => {
    const code = sessions.offer(local);
    const secrets = sessions.redeem(code);
    assert.ok(secrets);
    assert.equal(sessions.find(secrets), local);
    assert.equal(sessions.redeem(code), undefined);
  });

  it("a code is answered again to who used it, for a moment, in place of the session before", () => {
    const code = sessions.offer(local);
    const lost = sessions.redeem(code, "mine");
    assert.ok(lost);
    for (const nonce of ["another's", "", undefined]) assert.equal(sessions.redeem(code, nonce), undefined);
    nowMs = sessionLimits.repeatMs;
    const secrets = sessions.redeem(code, "mine");
    assert.ok(secrets);
    assert.equal(sessions.find(secrets), local);
    assert.equal(sessions.find(lost), undefined);
    nowMs = sessionLimits.repeatMs + 1;
    assert.equal(sessions.redeem(code, "mine"), undefined);
    assert.equal(sessions.find(secrets), local);
  });

  it("a code that was used without a secret of who asks is used", () => {
    const code = sessions.offer(local);
    assert.ok(sessions.redeem(code));
    assert.equal(sessions.redeem(code, "mine"), undefined);
  });

  it("a code ends after its time", () => {
    const code = sessions.offer(local);
    nowMs = sessionLimits.codeMs + 1;
    assert.equal(sessions.redeem(code), undefined);
  });

  it("cookie and key belong together", () => {
    const one = sessions.open(local);
    const other = sessions.open(local);
    assert.equal(sessions.find({ cookie: one.cookie, key: other.key }), undefined);
    assert.equal(sessions.find({ cookie: one.cookie, key: "" }), undefined);
    assert.equal(sessions.find(one), local);
  });

  it("a session ends when nobody used it, and after its life however it was used", () => {
    const idle = sessions.open(local);
    nowMs = sessionLimits.idleMs + 1;
    assert.equal(sessions.find(idle), undefined);
    const used = sessions.open(local);
    const bornMs = nowMs;
    for (; nowMs - bornMs <= sessionLimits.lifeMs; nowMs += sessionLimits.idleMs / 2)
      assert.equal(sessions.find(used), local);
    assert.equal(sessions.find(used), undefined);
  });

  it("a session that was left is over", () => {
    const secrets = sessions.open(local);
    sessions.close(secrets);
    assert.equal(sessions.find(secrets), undefined);
  });

  it("beyond the most, the one used longest ago ends", () => {
    const first = sessions.open(local);
    const second = sessions.open(local);
    sessions.find(first);
    for (let at = 2; at <= sessionLimits.sessionsMost; at++) sessions.open(local);
    assert.equal(sessions.find(second), undefined);
    assert.equal(sessions.find(first), local);
  });
});
