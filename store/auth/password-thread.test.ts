import assert from "node:assert/strict";
import { utf8 } from "../../base/wire.ts";
import { PasswordThread } from "./password-thread.ts";

describe("passwords", function () {
  this.timeout(60_000);
  let passwords: PasswordThread;
  before(() => {
    passwords = new PasswordThread(4);
  });
  after(() => passwords.stop());

  it("fit the hash that was made of them, and no other", async () => {
    const hash = await passwords.hash("secret");
    assert.match(hash, /^\$2a\$04\$[./A-Za-z0-9]{53}$/);
    assert.notEqual(await passwords.hash("secret"), hash, "each has a salt of its own");
    assert.equal(await passwords.matches("secret", utf8(hash)), true);
    assert.equal(await passwords.matches("secret2", utf8(hash)), false);
    assert.equal(await passwords.matches("", utf8(await passwords.hash(""))), true);
  });

  it("fit nothing that is no hash", async () => {
    for (const stored of ["", "secret", "$2a$04$short", "$9z$04$"])
      assert.equal(await passwords.matches("secret", utf8(stored)), false);
  });

  it("are refused beyond what bcrypt looks at", async () => {
    await assert.rejects(passwords.hash("é".repeat(37)), { code: "PASSWORD_TOO_LONG" });
    await passwords.hash("é".repeat(36));
  });

  it("are refused beyond so many that wait, and those go on", async () => {
    const asked = Array.from({ length: 257 }, () => passwords.matches("x", utf8("no hash")));
    await assert.rejects(asked.pop() as Promise<boolean>, { code: "TOO_MANY_REQUESTS" });
    assert.deepEqual(new Set(await Promise.all(asked)), new Set([false]));
  });

  it("end with their thread, which begins anew where it is asked again", async () => {
    const stopping = new PasswordThread(4);
    const asked = stopping.hash("secret");
    await Promise.all([stopping.stop(), assert.rejects(asked, { code: "STOPPED" })]);
    assert.match(await stopping.hash("secret"), /^\$2a/);
    await stopping.stop();
  });

  it("hold up nothing else while they are hashed", async () => {
    const slow = new PasswordThread(12);
    await slow.matches("x", utf8("no hash"));
    let turns = 0;
    let isHashing = true;
    const count = () => {
      turns += 1;
      if (isHashing) setImmediate(count);
    };
    count();
    await slow.hash("secret");
    isHashing = false;
    await slow.stop();
    assert.ok(turns > 100, `the event loop went round ${turns} times`);
  });
});
