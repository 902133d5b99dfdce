import type { Of } from "../../../base/protobuf.ts";
import type { authenticateResponse } from "../../../proto/etcd-auth.ts";
import type { AuthenticateRequest } from "../../../proto/etcd-auth-requests.ts";
import type { AuthenticateAnswer } from "../../apply/apply-auth.ts";
import { StoreError } from "../../errors.ts";
import { header } from "../header.ts";
import type { MemberParts } from "../member.ts";

/** Of a user's name, which anybody may say, so much is told in the log. */
const toldNameMax = 256;
/** How often users and roles may change while a password is checked, which then is checked again. */
const checksMax = 10;

/** The password is checked here, and stays here: what enters the log says only that it was right. */
export async function authenticate(
  request: AuthenticateRequest,
  parts: MemberParts,
): Promise<Of<typeof authenticateResponse>> {
  await parts.reads.ready();
  const { tokens, log } = parts.auth;
  for (let check = 1; check <= checksMax; check++) {
    const checkedAt = await checkedPassword(request, parts);
    const body = { name: request.name, simpleToken: tokens.prefix() };
    const { response, revision } = await parts.proposer.propose("authenticate", body);
    const applied = response as AuthenticateAnswer;
    if (applied.revision === checkedAt)
      return { header: header(parts, revision), token: tokens.issue(applied) };
    log.info("revision when password checked became stale; retrying");
  }
  throw new StoreError("AUTH_OLD_REVISION");
}

/** As `checkPassword`; a refusal is told in the log. */
async function checkedPassword(request: AuthenticateRequest, parts: MemberParts): Promise<number> {
  try {
    return await checkPassword(request, parts);
  } catch (error) {
    const isOff = error instanceof StoreError && error.code === "AUTH_NOT_ENABLED";
    const user = request.name.slice(0, toldNameMax);
    if (!isOff) parts.auth.log.warn("invalid authentication was requested", { user, error });
    throw error;
  }
}

/** The revision of users and roles at which the password is right. Rejects with AUTH_NOT_ENABLED, AUTH_FAILED and
 *  NO_PASSWORD_USER. */
async function checkPassword(request: AuthenticateRequest, { auth }: MemberParts): Promise<number> {
  const { state, passwords, log } = auth;
  if (!state.isOn) throw new StoreError("AUTH_NOT_ENABLED");
  const user = state.userOrNone(request.name);
  if (user === undefined) throw new StoreError("AUTH_FAILED");
  if (user.options?.noPassword) throw new StoreError("NO_PASSWORD_USER");
  const { revision } = state;
  if (!(await passwords.matches(request.password, user.password))) {
    log.info("invalid password", { "user-name": user.name });
    throw new StoreError("AUTH_FAILED");
  }
  return revision;
}
