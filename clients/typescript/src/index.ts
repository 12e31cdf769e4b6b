export { type At, Document } from "./attestation/document.js";
export { AttestationError, type AttestationRule } from "./attestation/error.js";
export { Measurements, MeasurementsError } from "./attestation/measurements.js";
export type { Policy } from "./attestation/policy.js";
export { Root, RootError } from "./attestation/root.js";
export type { VerifiedDocument } from "./attestation/verified.js";
