/** The step in which the user keeps the new share files, and shows that they open. Until then nothing is in force. */

import type { App } from "../app.js";
import { button, field, form, h } from "../dom.js";
import type { NewShares, ShareFile } from "./new-shares.js";

/** What is said in this step. */
export interface Testing {
  /** On the button: `Test the file and make the key`. */
  readonly label: string;
  /** What is true once it is done. */
  readonly done: string;
  /** What is true before: `the key does not exist`. */
  readonly before: string;
  /** What to do with files that a new one replaces. */
  readonly after?: string;
}

/** Downloads the files, and asks for them. `end` is called when the shares are in force, or given up. */
export function testing(
  app: App,
  shares: NewShares,
  said: Testing,
  end: (outcome: "done" | "given up") => void,
): HTMLElement {
  const { files } = shares;
  const given = fileInput(files.length > 1);
  const passphrase = passphraseInput();
  const names = files.map(({ name }) => h("code", {}, name));
  const one = files.length === 1;
  for (const file of files) {
    download(file);
  }
  return h(
    "div",
    { class: "card" },
    h(
      "h3",
      { tabindex: "-1" },
      one ? "Keep the recovery file, and give it back once" : "Keep the two files, and give them back once",
    ),
    h(
      "p",
      {},
      one ? "This file was downloaded: " : "These files were downloaded: ",
      ...names.flatMap((name, index) => (index === 0 ? [name] : [" and ", name])),
      ". Put the recovery file where you will find it, such as on a stick in a drawer, and write its passphrase down elsewhere. ",
      `Then choose ${one ? "it" : "them"} here, so that this page can open ${one ? "it" : "them"} as a test. Before that, ${said.before}.`,
    ),
    said.after !== undefined && h("p", {}, said.after),
    h(
      "div",
      { class: "actions" },
      button(one ? "Download it again" : "Download them again", () => files.forEach(download)),
      button("Give it up", async (it) => {
        await app.attempt(it, () => shares.abort(), `Given up: ${said.before}. Delete what you have downloaded.`);
        end("given up");
      }),
    ),
    form(
      said.label,
      (it) =>
        app.attempt(it, async () => {
          await working(app, "Opening the file\u2026");
          await shares.test(Array.from(given.files ?? []), passphrase.value);
          await shares.confirm();
          end("done");
          await app.learnKeys();
          app.show("keys", said.done, "done");
        }),
      field(one ? "The recovery file, as downloaded" : "Both files, as downloaded", given),
      field("Its passphrase, again", passphrase),
    ),
  );
}

export function fileInput(multiple: boolean, required = true): HTMLInputElement {
  return h("input", { type: "file", accept: ".age", multiple, required });
}

/** The page gives no password manager a reason to keep it. */
export function passphraseInput(required = true): HTMLInputElement {
  return h("input", { type: "password", autocomplete: "off", minlength: "12", required });
}

/** Says so before what keeps the browser from painting, such as the derivation of a key from a passphrase. */
export async function working(app: App, text: string): Promise<void> {
  app.say(text);
  await new Promise((resolve) => setTimeout(resolve, 50));
}

function download({ name, content }: ShareFile): void {
  const address = URL.createObjectURL(new Blob([content], { type: "application/octet-stream" }));
  h("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
