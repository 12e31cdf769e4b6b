//! The form of one line: numbered, and of limited length.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The longest line, in bytes, with its line feed.
pub const LINE_MAX: usize = 8 * 1024;

/// How much of a longer line is shown, in bytes. As a JSON string that is at most six times as long.
const BEGINNING: usize = 1024;

/// An event as it is sent: `{"number":N,` before the rest of its JSON object, and a line feed behind it.
///
/// Numbers start at 1 and have no gaps, so a reader sees how many lines are missing, and where.
pub(super) fn of_event(number: u64, event: &[u8]) -> Vec<u8> {
    let event = event.trim_ascii();
    match event.strip_prefix(b"{") {
        Some(rest) if rest.len() + 64 <= LINE_MAX => {
            [format!("{{\"number\":{number},").as_bytes(), rest, b"\n"].concat()
        }
        _ => beginning_of(number, event),
    }
}

/// The line that says how many lines were lost since the last such line.
pub(super) fn of_loss(lost: u64) -> Vec<u8> {
    let fields = serde_json::json!({"message": "log lines were lost", "lost": lost});
    line(serde_json::json!({"level": "WARN", "fields": fields}))
}

fn beginning_of(number: u64, event: &[u8]) -> Vec<u8> {
    let beginning = event.get(..BEGINNING).unwrap_or(event);
    let fields = serde_json::json!({
        "message": "a log line was too long, or not JSON",
        "bytes": event.len(),
        "beginning": String::from_utf8_lossy(beginning),
    });
    line(serde_json::json!({"number": number, "level": "WARN", "fields": fields}))
}

fn line(mut content: serde_json::Value) -> Vec<u8> {
    if let Some(object) = content.as_object_mut() {
        // If the time cannot be written as a date, the line is still worth sending.
        let now = OffsetDateTime::now_utc()
            .format(&Rfc3339)
            .unwrap_or_default();
        object.insert("timestamp".to_owned(), now.into());
        object.insert("target".to_owned(), module_path!().into());
    }
    let mut line = content.to_string().into_bytes();
    line.push(b'\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &[u8]) -> serde_json::Value {
        let line = line.strip_suffix(b"\n").unwrap();
        assert!(!line.contains(&b'\n'));
        serde_json::from_slice(line).unwrap()
    }

    #[test]
    fn an_event_keeps_its_fields_and_gets_a_number() {
        let line = read(&of_event(7, b"{\"level\":\"INFO\",\"fields\":{\"a\":1}}\n"));
        assert_eq!(
            line,
            serde_json::json!({"number": 7, "level": "INFO", "fields": {"a": 1}})
        );
    }

    #[test]
    fn a_line_that_is_too_long_is_a_line_that_says_so() {
        for filling in ["a", "\u{1}", "\\\"", "\u{fffd}"] {
            let event = format!("{{\"a\":\"{}\"}}", filling.repeat(2 * LINE_MAX));
            let sent = of_event(u64::MAX, event.as_bytes());
            assert!(sent.len() <= LINE_MAX, "{}", sent.len());
            let line = read(&sent);
            assert_eq!(line["fields"]["bytes"], event.len());
            assert_eq!(line["number"], u64::MAX);
            let beginning = line["fields"]["beginning"].as_str().unwrap();
            assert!(beginning.starts_with("{\"a\":\""));
        }
    }

    #[test]
    fn the_longest_event_that_is_sent_as_it_is_fits() {
        let event = format!("{{\"a\":\"{}\"}}", "b".repeat(LINE_MAX - 71));
        let sent = of_event(u64::MAX, event.as_bytes());
        assert!(sent.len() <= LINE_MAX);
        assert!(read(&sent)["a"].as_str().unwrap().starts_with("bbb"));
    }

    #[test]
    fn a_loss_says_how_many() {
        let line = read(&of_loss(12));
        assert_eq!(line["fields"]["lost"], 12);
        assert!(line["timestamp"].as_str().unwrap().ends_with('Z'));
    }
}
