import { expect, test } from "vitest";
import { Measurements, MeasurementsError } from "../../src/attestation/measurements.js";
import { repositoryText } from "../fixtures.js";
import { pcr } from "../forge/path.js";

const HEX = "01".repeat(48);

function read(text: string): Map<number, Uint8Array> {
  return new Map(Measurements.fromJson(text.replaceAll("HEX", HEX)).pcrs);
}

test("what is written is read again", () => {
  const measurements = Measurements.fromPcrs([
    [2, pcr(3)],
    [0, pcr(1)],
    [1, pcr(0xab)],
  ]);
  const text = measurements.toJson();
  expect(text).toContain(`"PCR1":"${"ab".repeat(48)}"`);
  expect(Measurements.fromJson(text)).toEqual(measurements);
  expect([...measurements.pcrs.keys()]).toEqual([0, 1, 2]);
});

test("the example of the Rust verifier is read", () => {
  const text = repositoryText("common/src/attestation/example/measurements.json");
  expect([...Measurements.fromJson(text).pcrs.keys()]).toEqual([0, 1, 2]);
});

test.each([
  '{"PCR0": "HEX", "PCR31": "HEX"}',
  '{"31": "HEX", "0": "HEX"}',
  '{"HashAlgorithm": "Sha384", "PCR0": "HEX", "31": "HEX"}',
  '{"Measurements": {"HashAlgorithm": "Sha384 { \\"a\\": 1 }", "PCR0": "HEX", "PCR31": "HEX"}}',
])("all forms read alike: %s", (text) => {
  expect(read(text)).toEqual(
    new Map([
      [0, pcr(1)],
      [31, pcr(1)],
    ]),
  );
});

test("hex in capitals is read", () => {
  expect(read(`{"PCR0": "${"AB".repeat(48)}"}`).get(0)).toEqual(pcr(0xab));
});

test.each([
  "",
  "[]",
  "7",
  '"PCR0"',
  '{"PCR0": 7}',
  '{"PCR0": null}',
  ...["PCR32", "PCR00", "PCR+1", "pcr0", "PCR", "", "32", "00", " 0", "Measurements2", "__proto__"].map(
    (key) => `{"${key}": "HEX"}`,
  ),
  '{"Measurements": "HEX"}',
  '{"Measurements": {"PCR0": "HEX"}, "PCR1": "HEX"}',
  '{"Measurements": {"Measurements": {"PCR0": "HEX"}}}',
  '{"PCR0": {"PCR0": "HEX"}}',
  '{"HashAlgorithm": "Sha256 { ... }", "PCR0": "HEX"}',
  '{"HashAlgorithm": "Sha3840", "PCR0": "HEX"}',
  '{"PCR3": "HEX0"}',
  '{"PCR3": "0xHEX"}',
  '{"PCR3": ""}',
  '{"PCR3": "HEX", "PCR3": "HEX"}',
  '{"PCR3": "HEX", "3": "HEX"}',
  '{"PCR3": "HEX", "HashAlgorithm": "Sha384", "HashAlgorithm": "Sha384"}',
  "{}",
  '{"Measurements": {"HashAlgorithm": "Sha384 { ... }"}}',
])("everything else is refused: %s", (text) => {
  expect(() => read(text)).toThrow(MeasurementsError);
});

test("an index beyond 31 and a value of another length are refused", () => {
  expect(() => Measurements.fromPcrs([[32, pcr(1)]])).toThrow(MeasurementsError);
  expect(() => Measurements.fromPcrs([[0.5, pcr(1)]])).toThrow(MeasurementsError);
  expect(() => Measurements.fromPcrs([[0, pcr(1).slice(1)]])).toThrow(MeasurementsError);
});
