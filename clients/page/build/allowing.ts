/** A page whose enclave is at another origin: the policy in the page allows that origin, too. */

import type { Plugin } from "vite";

/** `origin` is that of the enclave's API; undefined or empty: the page's own. */
export function allowing(origin: string | undefined): Plugin {
  return {
    name: "allowing",
    transformIndexHtml(html) {
      return origin ? allow(html, origin) : html;
    },
  };
}

/** @throws {TypeError} if it is not an origin: text in a policy must not be able to end the policy. */
export function allow(html: string, origin: string): string {
  if (!URL.canParse(origin) || new URL(origin).origin !== origin || !/^https?:[/A-Za-z0-9.:-]+$/.test(origin)) {
    throw new TypeError(`PERMAFROST_ENCLAVE is ${JSON.stringify(origin)}; accepted: https://HOST, without a path`);
  }
  const policy = "connect-src 'self'";
  if (!html.includes(policy)) {
    throw new TypeError(`index.html has no ${policy}`);
  }
  return html.replace(policy, `${policy} ${origin}`);
}
