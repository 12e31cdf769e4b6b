import { AttestationError } from "../../src/attestation/error.js";

/** The refusal that something ends in; anything else fails the test. */
export async function refusal(attempt: () => unknown): Promise<AttestationError> {
  try {
    await attempt();
  } catch (error) {
    if (error instanceof AttestationError) {
      return error;
    }
    throw error;
  }
  throw new Error("it was accepted");
}
