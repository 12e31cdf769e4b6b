//! The command line, with so few arguments that the measured binary needs no library to parse them.

use std::path::PathBuf;

use permafrost_common::transport::{Address, Peers};

/// What the command line asks for.
#[derive(Debug)]
pub(crate) enum Command {
    /// Boot and serve.
    Run(Arguments),
    /// Print this and end.
    Print(String),
    /// Print what the emulated NSM will measure with this configuration, and end.
    #[cfg(feature = "emulator")]
    Measure(PathBuf),
}

/// How to boot.
#[derive(Clone, Debug)]
pub(crate) struct Arguments {
    /// The measured configuration.
    pub(crate) config: PathBuf,
    /// The address on which the enclave accepts requests.
    pub(crate) listen: Address,
    /// The address of the record store.
    pub(crate) store: Address,
    /// The address of the egress proxy.
    pub(crate) egress: Address,
    /// The address to which log lines go; absent: standard error.
    pub(crate) logs: Option<Address>,
    /// The NSM to use.
    pub(crate) nsm: NsmChoice,
    /// Whether to end when standard input does.
    pub(crate) exit_on_stdin_close: bool,
    /// The CID of the parent instance.
    pub(crate) parent_cid: u32,
}

/// The NSM to use.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum NsmChoice {
    /// `/dev/nsm`.
    Device,
    /// The emulator, with its state in this directory.
    #[cfg(feature = "emulator")]
    Emulator {
        /// Keeps the development root.
        state: PathBuf,
        /// Whether PCR0-2 are zero, as in Nitro's debug mode.
        debug_mode: bool,
    },
}

const HELP: &str = "\
permafrost-enclave: keeps FROST key shares inside a Nitro enclave and signs with them.

Usage: permafrost-enclave [OPTIONS]

  --config FILE          the measured configuration                [/config/enclave.toml]
  --listen ADDRESS       accept requests at this address           [vsock://any:5000]
  --store ADDRESS        the parent's record store                 [vsock://3:5001]
  --egress ADDRESS       the parent's egress proxy                 [vsock://3:5002]
  --log ADDRESS          send log lines to this address            [standard error; as PID 1: vsock://3:5003]
  --nsm device|emulator  the NSM to use; only development builds have the emulator [device]
  --state DIR            the emulator's state directory            (required with --nsm emulator)
  --measure              print, as JSON, the measurements that the emulator will attest, and exit
  --debug-mode           make the emulator's PCR0-2 zero, as in Nitro's debug mode
  --exit-on-stdin-close  exit when standard input closes
  --version, --help

Addresses: vsock://CID:PORT, unix:PATH, vsock+unix:PATH:PORT.
Log lines are JSON. With --log, standard error gets one line when the enclave listens and one if it fails.
Exit status: 0 stopped on request, 1 failed, 2 wrong arguments.";

/// The CID of the parent instance, as every enclave sees it (AWS: Nitro Enclaves, vsock).
const PARENT_CID: u32 = 3;

impl Arguments {
    /// What may connect: over vsock only the parent instance.
    pub(crate) fn peers(&self) -> Peers {
        match self.listen {
            Address::Vsock { .. } => Peers::Cids(vec![self.parent_cid]),
            _ => Peers::Any,
        }
    }
}

/// The arguments as PID 1, which is given none. A virtual machine other than Nitro sets the parent's CID on the kernel's command
/// line (`PERMAFROST_PARENT_CID=2`). On Nitro that line is measured, except for what the hypervisor appends.
pub(crate) fn of_first_process(parent_cid: Option<String>) -> Result<Arguments, String> {
    let parent_cid = parent_cid.unwrap_or_else(|| PARENT_CID.to_string());
    let cid = parent_cid
        .parse()
        .map_err(|_| format!("PERMAFROST_PARENT_CID is {parent_cid:?}, expected: a number"))?;
    let at_parent = |port| format!("vsock://{cid}:{port}");
    let arguments = [
        "--store".to_owned(),
        at_parent(5001),
        "--egress".to_owned(),
        at_parent(5002),
        "--log".to_owned(),
        at_parent(5003),
    ];
    match parse(arguments.into_iter())? {
        Command::Run(arguments) => Ok(Arguments {
            parent_cid: cid,
            ..arguments
        }),
        _ => Err("as PID 1 the program only runs".to_owned()),
    }
}

/// Reads the arguments after the program's name.
pub(crate) fn parse(arguments: impl Iterator<Item = String>) -> Result<Command, String> {
    let mut arguments = arguments.peekable();
    let mut config = PathBuf::from("/config/enclave.toml");
    let mut listen = "vsock://any:5000".to_owned();
    let mut store = format!("vsock://{PARENT_CID}:5001");
    let mut egress = format!("vsock://{PARENT_CID}:5002");
    let mut logs = None;
    let mut nsm = "device".to_owned();
    let mut state = None;
    let mut debug_mode = false;
    let mut measure = false;
    let mut exit_on_stdin_close = false;
    while let Some(argument) = arguments.next() {
        let mut value = || {
            arguments
                .next()
                .ok_or_else(|| format!("{argument} needs a value"))
        };
        match argument.as_str() {
            "--config" => config = value()?.into(),
            "--listen" => listen = value()?,
            "--store" => store = value()?,
            "--egress" => egress = value()?,
            "--log" => logs = Some(value()?),
            "--nsm" => nsm = value()?,
            "--state" => state = Some(PathBuf::from(value()?)),
            "--debug-mode" => debug_mode = true,
            "--measure" => measure = true,
            "--exit-on-stdin-close" => exit_on_stdin_close = true,
            "--help" | "-h" => return Ok(Command::Print(HELP.to_owned())),
            "--version" | "-V" => return Ok(Command::Print(version())),
            _ => return Err(format!("unknown argument {argument:?}")),
        }
    }
    if measure {
        return measure_command(config);
    }
    let address = |name: &str, text: &str| {
        text.parse::<Address>()
            .map_err(|error| format!("{name}: {error}"))
    };
    Ok(Command::Run(Arguments {
        config,
        listen: address("--listen", &listen)?,
        store: address("--store", &store)?,
        egress: address("--egress", &egress)?,
        logs: logs.map(|logs| address("--log", &logs)).transpose()?,
        nsm: nsm_choice(&nsm, state, debug_mode)?,
        exit_on_stdin_close,
        parent_cid: PARENT_CID,
    }))
}

#[cfg(feature = "emulator")]
#[allow(
    clippy::unnecessary_wraps,
    reason = "a build without the emulator refuses"
)]
fn measure_command(config: PathBuf) -> Result<Command, String> {
    Ok(Command::Measure(config))
}

#[cfg(not(feature = "emulator"))]
fn measure_command(_: PathBuf) -> Result<Command, String> {
    Err("--measure: this build has no emulator".to_owned())
}

#[cfg(feature = "emulator")]
fn nsm_choice(text: &str, state: Option<PathBuf>, debug_mode: bool) -> Result<NsmChoice, String> {
    match (text, state) {
        ("device", None) if !debug_mode => Ok(NsmChoice::Device),
        ("device", _) => Err("--state and --debug-mode belong to --nsm emulator".to_owned()),
        ("emulator", Some(state)) => Ok(NsmChoice::Emulator { state, debug_mode }),
        ("emulator", None) => Err("--nsm emulator needs --state DIR".to_owned()),
        _ => Err(format!("--nsm {text:?}; accepted: device, emulator")),
    }
}

#[cfg(not(feature = "emulator"))]
fn nsm_choice(text: &str, state: Option<PathBuf>, debug_mode: bool) -> Result<NsmChoice, String> {
    match (text, state) {
        ("device", None) if !debug_mode => Ok(NsmChoice::Device),
        ("device", _) => Err("--state and --debug-mode: this build has no emulator".to_owned()),
        _ => Err(format!(
            "--nsm {text:?}; accepted: device. This build has no emulator"
        )),
    }
}

fn version() -> String {
    let build = if cfg!(feature = "emulator") {
        "development build, with the emulated NSM"
    } else if cfg!(feature = "accept-unsigned-documents") {
        "test build, for an NSM that does not sign"
    } else {
        "production build, without the emulated NSM"
    };
    format!("permafrost-enclave {} ({build})", env!("CARGO_PKG_VERSION"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(arguments: &[&str]) -> String {
        parse(arguments.iter().map(ToString::to_string)).unwrap_err()
    }

    #[test]
    fn without_arguments_the_defaults_are_those_of_production() {
        let Command::Run(arguments) = parse(std::iter::empty()).unwrap() else {
            panic!("expected to run");
        };
        assert_eq!(arguments.nsm, NsmChoice::Device);
        assert_eq!(arguments.peers(), Peers::Cids(vec![3]));
        assert_eq!(arguments.store.to_string(), "vsock://3:5001");
        assert_eq!(arguments.egress.to_string(), "vsock://3:5002");
        assert_eq!(arguments.logs, None);
    }

    #[test]
    fn the_first_process_takes_the_parents_cid_from_the_kernels_command_line() {
        let nitro = of_first_process(None).unwrap();
        assert_eq!(nitro.peers(), Peers::Cids(vec![3]));
        assert_eq!(nitro.store.to_string(), "vsock://3:5001");
        let here = of_first_process(Some("2".to_owned())).unwrap();
        assert_eq!(here.peers(), Peers::Cids(vec![2]));
        assert_eq!(here.egress.to_string(), "vsock://2:5002");
        assert_eq!(here.logs.unwrap().to_string(), "vsock://2:5003");
        assert!(of_first_process(Some("any".to_owned())).is_err());
    }

    #[test]
    fn wrong_calls_are_refused_by_name() {
        assert!(refusal(&["--surprise"]).contains("--surprise"));
        assert!(refusal(&["--config"]).contains("--config needs a value"));
        assert!(refusal(&["--listen", "tcp:1"]).contains("--listen"));
        assert!(refusal(&["--log", "stderr"]).contains("--log"));
        assert!(refusal(&["--nsm", "software"]).contains("software"));
        assert!(refusal(&["--state", "x"]).contains("--state"));
    }

    #[cfg(not(feature = "emulator"))]
    #[test]
    fn a_production_build_has_no_emulator() {
        assert!(refusal(&["--nsm", "emulator"]).contains("no emulator"));
        assert!(version().contains("production"));
    }
}
