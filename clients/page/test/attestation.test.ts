/** A deployment that requires the vendors of authenticators to vouch for new passkeys. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { verifyEvent } from "nostr-tools/pure";
import { expect, test } from "vitest";
import { PAGE } from "./built.js";
import { onStack } from "./scene.js";
import { vendorCertificate } from "./vendor.js";

const REFUSED = "accepts only passkeys whose vendor vouches for them";

onStack(
  "a deployment that trusts the vendor",
  (scene) => {
    test("accepts its passkeys: at registration, of another device, and for a recovery", async () => {
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

    test("refuses a passkey that no vendor vouches for, and the password manager forgets it", async () => {
      const alice = await scene.person();
      await alice.page.addInitScript(NO_ATTESTATION);
      await alice.open();
      await alice.press("Register with a new passkey");
      await alice.hears(REFUSED);
      await expect.poll(() => alice.credentials()).toEqual([]);
    });

    test("says what may remain if the password manager cannot be told", async () => {
      const alice = await scene.person();
      await alice.page.addInitScript(`${NO_ATTESTATION} delete PublicKeyCredential.signalUnknownCredential;`);
      await alice.open();
      await alice.write("Name in your password manager", "alice");
      await alice.press("Register with a new passkey");
      await alice.hears(/only passkeys whose vendor vouches for them.*\u201calice\u201d may remain/);
      expect(await alice.credentials()).toHaveLength(1);
    });
  },
  async (browser) => rules(await vendorCertificate(browser)),
);

const OTHER_VENDOR = rules(readFileSync(join(PAGE, "../../enclave/src/aws/amazon-roots.pem"), "utf8"));

onStack(
  "a deployment that trusts another vendor",
  (scene) => {
    test("refuses a passkey with the reason, and the password manager forgets it", async () => {
      const alice = await scene.person();
      await alice.press("Register with a new passkey");
      await alice.hears(REFUSED);
      await expect.poll(() => alice.credentials()).toEqual([]);
    });
  },
  OTHER_VENDOR,
);

function rules(roots: string): string {
  return `attestation.roots = """\n${roots}"""`;
}

/** A browser that does not ask the authenticator for attestation, whatever the page says. */
const NO_ATTESTATION = `{
  const create = navigator.credentials.create;
  navigator.credentials.create = ({ publicKey }) =>
    create.call(navigator.credentials, { publicKey: { ...publicKey, attestation: "none" } });
}`;
