/** Every view of the page with content, one after the other. */

import type { Person } from "./person.js";

/** Shows each view to `look`, with its name. Neither has registered; the helper has another device and starts the recovery. */
export async function tour(
  person: Person,
  helper: Person,
  look: (view: string, whose?: Person) => Promise<void>,
): Promise<void> {
  await person.page.route("**/permafrost.json", (route) => route.fulfill({ status: 404 }));
  await person.open();
  await person.sees("The enclave is not verified");
  await look("unverified");
  await person.page.unroute("**/permafrost.json");
  await person.press("Try again");
  await person.sees("Log in");

  await person.goTo("Enclave");
  await person.page.getByText("Details").click();
  await look("enclave");
  await person.goTo("Link this device");
  await look("link");
  await person.goTo("Recover");
  await look("recover");
  await person.goTo("Log in");
  await look("login");
  await person.page.getByText("Narrow the session").click();
  await look("login-narrow");

  await person.register("Laptop");
  await person.sign("never thawed");
  await look("sign");
  await person.goTo("Keys");
  await look("keys");
  await person.press("Replace the key");
  await look("keys-replace");
  await person.page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
  await person.write("Passphrase for the recovery file", "five random words in a row");
  const files = await person.downloads(1, () => person.press("Make the shares"));
  await look("keys-recovery-file");
  await person.choose("The recovery file, as downloaded", ...files);
  await person.write("Its passphrase, again", "five random words in a row");
  await person.press("Test the file and make the key");
  await person.hears("The key is made.");
  await look("keys-split");
  await person.goTo("Sign");
  const byFile = person.page.getByText("Sign with a share file instead");
  for (let index = 0; !(await byFile.isVisible()); index += 1) {
    await person.page.getByLabel("Sign with").selectOption({ index });
  }
  await byFile.click();
  await look("sign-split");
  await person.goTo("Policy");
  await person.page.getByLabel("Disable a key").uncheck();
  await person.write("Only these kinds of Nostr events", "1, 7");
  await person.press("Set the policy");
  await person.hears("The policy is set");
  await look("policy");

  await person.goTo("Devices");
  await person.press("Link another device");
  const code = await person.reads(".copyable");
  await look("devices-link-code");
  await helper.offers(code, "Phone");
  await look("link-compare", helper);
  await person.reads(".card .digest");
  await look("devices-compare");
  await person.press("They are the same: accept it");
  await person.hears("can log in now");
  await person.press("Revoke Phone");
  await look("devices-revoke");
  await person.page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
  await look("devices");

  await person.goTo("Recovery");
  const user = await person.reads(".copyable");
  await person.press("Make ten new codes");
  const [, recoveryCode = ""] = (await person.reads("pre")).split("\n");
  await look("recovery-codes");
  await helper.goTo("Recover");
  await helper.write("User id", user);
  await helper.write("Recovery code", recoveryCode);
  await helper.press("Make a new passkey and start");
  const ticket = await helper.reads(".card .copyable");
  await look("recover-started", helper);
  await person.press("Refresh");
  await person.reads(".card .digest");
  await person.write("Ticket", ticket);
  await person.press("Check the ticket");
  await person.page.getByRole("button", { name: "Approve this recovery" }).waitFor();
  await look("recovery");
  await person.press("Approve this recovery");
  await person.hears("you are not a guardian");
  await look("refused");

  await person.goTo("Activity");
  await look("activity");
}
