//! What the commands share that call AWS, or read what it prints.

mod arguments;
mod call;
mod difference;
mod policy_text;
mod xml;

pub(super) use arguments::{AwsArguments, PROVIDER};
pub(super) use call::{Aws, Refusal};
pub(super) use difference::difference;
pub(super) use policy_text::policy_text;
