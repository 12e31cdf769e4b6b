//! The arguments that the examples share: where the enclave is, and what it must be.

use std::{error::Error, fs, path::PathBuf};

use permafrost_client::{Client, Enclave, Endpoint, Expectation, Measurements, RootCertificate};

#[derive(clap::Args)]
pub(crate) struct Connection {
    /// Where the enclave is reached: http://HOST:PORT of the parent, vsock://CID:PORT, unix:PATH or vsock+unix:PATH:PORT.
    endpoint: Endpoint,
    /// The release to accept, as `nitro-cli build-enclave` prints its measurements; `any` compares none.
    #[arg(long, value_name = "FILE|any")]
    measurements: PathBuf,
    /// The root certificate to trust, in PEM. Default: AWS Nitro Enclaves G1.
    #[arg(long, value_name = "FILE")]
    root_certificate: Option<PathBuf>,
}

impl Connection {
    /// Connects, and verifies the enclave.
    pub(crate) async fn verify(&self) -> Result<Enclave, Box<dyn Error>> {
        let mut expectation = match self.measurements.as_os_str() == "any" {
            true => Expectation::any_measurements(),
            false => {
                let release = fs::read_to_string(&self.measurements)?;
                Expectation::releases([Measurements::from_json(&release)?])
            }
        };
        if let Some(path) = &self.root_certificate {
            let root = RootCertificate::from_pem(&fs::read_to_string(path)?)?;
            expectation = expectation.root_certificate(root);
        }
        let client = Client::new(self.endpoint.clone());
        Ok(client.verify(&expectation).await?)
    }
}
