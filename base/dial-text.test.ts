import { strictEqual } from "node:assert/strict";
import { dialText } from "./dial-text.ts";

describe("what is said of a connection that could not be made", () => {
  it("is the server's word where it refused the client in the handshake", () => {
    const error = Object.assign(new Error("80FF:error:0A00045C:SSL routines:ssl3_read_bytes:…"), {
      code: "ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED",
      reason: "tlsv13 alert certificate required",
    });
    strictEqual(dialText(error, { host: "a", port: 1 }), "remote error: tls: certificate required");
  });
});
