/** A deployment that asks the makers of authenticators to vouch for new passkeys. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { verifyEvent } from "nostr-tools/pure";
import { expect, test } from "vitest";
import { PAGE } from "./built.js";
import { makersCertificate } from "./maker.js";
import { onStack } from "./scene.js";

const REFUSED = "takes passkeys of some makers only";

onStack(
  "a deployment that knows the maker",
  (scene) => {
    test("takes its passkeys: at registration, of another device, and for a recovery", async () => {
      const [alice, phone] = [await scene.person(), await scene.person()];
      await alice.register();
      expect(verifyEvent(JSON.parse(await alice.sign("vouched for")))).toBe(true);
      await alice.goTo("Devices");
      await alice.press("Link another device");
      const code = await alice.reads(".copyable");
      await phone.offers(code);
      await alice.goTo("Recovery");
      await alice.press("Make ten new codes");
      const [user = "", recoveryCode = ""] = (await alice.reads("pre")).split("\n");
      await phone.goTo("Recover");
      await phone.write("User id", user.replace("User id: ", ""));
      await phone.write("Recovery code", recoveryCode);
      await phone.press("Make a new passkey and start");
      expect(await phone.reads(".card h3")).toBe("The recovery has begun");
    });

    test("refuses a passkey that nobody vouches for, and the password manager forgets it", async () => {
      const alice = await scene.person();
      await alice.page.addInitScript(ASK_NOBODY);
      await alice.open();
      await alice.press("Register with a new passkey");
      await alice.hears(REFUSED);
      await expect.poll(() => alice.credentials()).toEqual([]);
    });

    test("says what may be left where the password manager cannot be told", async () => {
      const alice = await scene.person();
      await alice.page.addInitScript(`${ASK_NOBODY} delete PublicKeyCredential.signalUnknownCredential;`);
      await alice.open();
      await alice.write("Name in your password manager", "alice");
      await alice.press("Register with a new passkey");
      await alice.hears(/takes passkeys of some makers only.*\u201calice\u201d may be left/);
      expect(await alice.credentials()).toHaveLength(1);
    });
  },
  async (browser) => rules(await makersCertificate(browser)),
);

const OTHER_MAKER = rules(readFileSync(join(PAGE, "../../enclave/src/kms/amazon-roots.pem"), "utf8"));

onStack(
  "a deployment that knows another maker",
  (scene) => {
    test("refuses a passkey in words, and the password manager forgets it", async () => {
      const alice = await scene.person();
      await alice.press("Register with a new passkey");
      await alice.hears(REFUSED);
      await expect.poll(() => alice.credentials()).toEqual([]);
    });
  },
  OTHER_MAKER,
);

function rules(roots: string): string {
  return `attestation.roots = """\n${roots}"""`;
}

/** A browser that does not ask the authenticator for attestation, whatever the page says. */
const ASK_NOBODY = `{
  const create = navigator.credentials.create;
  navigator.credentials.create = ({ publicKey }) =>
    create.call(navigator.credentials, { publicKey: { ...publicKey, attestation: "none" } });
}`;
