//! The PCR bank.

use aws_lc_rs::digest::{self, SHA384};
use permafrost_common::attestation::{PCR_LEN, Pcr};

use super::super::ErrorCode;

/// How many PCRs there are.
pub(super) const PCRS: u16 = 32;

/// PCRs 0 to 15 are AWS's: locked before the enclave's first instruction.
const LOCKED_AT_BOOT: u16 = 16;

/// 32 PCRs, each open or locked.
pub(super) struct Bank([Register; PCRS as usize]);

#[derive(Clone, Copy)]
struct Register {
    value: Pcr,
    locked: bool,
}

impl Bank {
    /// The bank as an enclave finds it: PCR0-2 as measured, all others zero, 0 to 15 locked.
    pub(super) fn booted(measured: [Pcr; 3]) -> Self {
        let zero = Register {
            value: [0; PCR_LEN],
            locked: false,
        };
        let mut bank = Self([zero; PCRS as usize]);
        for (register, value) in bank.0.iter_mut().zip(measured) {
            register.value = value;
        }
        for register in bank.0.iter_mut().take(LOCKED_AT_BOOT.into()) {
            register.locked = true;
        }
        bank
    }

    /// Whether a PCR is locked, and its value.
    pub(super) fn describe(&self, index: u16) -> Result<(bool, &Pcr), ErrorCode> {
        let register = self.0.get(usize::from(index));
        let register = register.ok_or(ErrorCode::InvalidIndex)?;
        Ok((register.locked, &register.value))
    }

    /// Extends an open PCR; gives its new value.
    pub(super) fn extend(&mut self, index: u16, data: &[u8]) -> Result<&Pcr, ErrorCode> {
        let register = self.open(index)?;
        register.value = extended(&register.value, data);
        Ok(&register.value)
    }

    /// Locks an open PCR.
    pub(super) fn lock(&mut self, index: u16) -> Result<(), ErrorCode> {
        self.open(index)?.locked = true;
        Ok(())
    }

    /// Locks PCRs 0 to `range` - 1, whether they are open or not.
    pub(super) fn lock_first(&mut self, range: u16) -> Result<(), ErrorCode> {
        let registers = self.0.get_mut(..usize::from(range));
        for register in registers.ok_or(ErrorCode::InvalidIndex)? {
            register.locked = true;
        }
        Ok(())
    }

    /// The locked PCRs in ascending order: those that documents contain.
    pub(super) fn locked(&self) -> impl Iterator<Item = (u16, &Pcr)> {
        (0..PCRS)
            .zip(&self.0)
            .filter(|(_, register)| register.locked)
            .map(|(index, register)| (index, &register.value))
    }

    fn open(&mut self, index: u16) -> Result<&mut Register, ErrorCode> {
        let register = self.0.get_mut(usize::from(index));
        let register = register.ok_or(ErrorCode::InvalidIndex)?;
        if register.locked {
            return Err(ErrorCode::ReadOnlyIndex);
        }
        Ok(register)
    }
}

/// SHA-384 of the old value and the data.
pub(super) fn extended(old: &Pcr, data: &[u8]) -> Pcr {
    let mut context = digest::Context::new(&SHA384);
    context.update(old);
    context.update(data);
    let mut value = [0; PCR_LEN];
    value.copy_from_slice(context.finish().as_ref());
    value
}
