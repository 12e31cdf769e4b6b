//! The client against an enclave whose parent lies, on a Unix socket of its own for each test.

#[cfg(test)]
mod connections;
#[cfg(test)]
mod documents;
#[cfg(test)]
mod fake_enclave;
#[cfg(test)]
mod requests;
#[cfg(test)]
mod responses;
#[cfg(test)]
mod restarts;
#[cfg(test)]
mod verification;
