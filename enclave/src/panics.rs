//! What a panic reports: where it happened, and never the data that it was about.

use std::time::Duration;

use permafrost_enclave::log::Log;

use crate::{console, init};

/// How long the last lines may take.
pub(crate) const LAST_LINES: Duration = Duration::from_secs(1);

/// Logs each panic. If the panic ends the program, as in every release, it is also written to the console, and if the program is
/// PID 1 the machine ends with it.
///
/// A message that was formatted at run time may hold any secret, so it is not shown. A message that is a literal of the program
/// is.
pub(crate) fn watch(logs: Log) {
    std::panic::set_hook(Box::new(move |panic| {
        let place = panic
            .location()
            .map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
        let message = panic.payload().downcast_ref::<&'static str>();
        let message = message.unwrap_or(&"a message that is withheld");
        tracing::error!(place, says = message, "panicked");
        if logs.are_sent() {
            console::say(&format!("panicked at {place}: {message}"));
        }
        if cfg!(panic = "abort") {
            logs.end(LAST_LINES);
            if init::is_this_process() {
                init::end();
            }
        }
    }));
}
