//! What a panic says: where it was, and never what it was about.

use std::time::Duration;

use permafrost_enclave::log::Log;

use crate::{console, init};

/// How long the last lines may take.
pub(crate) const LAST_LINES: Duration = Duration::from_secs(1);

/// Has each panic logged. Where it ends the program, as in every release, it is said on the console, too, and the machine of a
/// first process ends with it.
///
/// A message that was made when the program panicked may hold anything that it knew, so it is not shown. One that stands in the
/// program's text is.
pub(crate) fn watch(logs: Log) {
    std::panic::set_hook(Box::new(move |panic| {
        let place = panic
            .location()
            .map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
        let message = panic.payload().downcast_ref::<&'static str>();
        let message = message.unwrap_or(&"a message that is not shown");
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
