//! Lines of bounded length, made of harmless characters.

use std::fmt::Write;

/// The longest line, in bytes. The enclave does not send longer ones.
pub(super) const LINE_MAX: usize = 8 * 1024;

/// A line as the parent logs it.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Line {
    /// Printable ASCII.
    pub(super) text: String,
    /// Whether it was cut off: after [`LINE_MAX`] bytes, where the rest becomes the next line, or by the end of the connection.
    pub(super) cut: bool,
}

/// Finds the lines in a stream that arrives in pieces.
#[derive(Debug, Default)]
pub(super) struct Lines {
    begun: Vec<u8>,
}

impl Lines {
    /// Consumes bytes up to the end of one line. Returns how many, and the line if it is complete or too long.
    pub(super) fn add(&mut self, bytes: &[u8]) -> (usize, Option<Line>) {
        let room = LINE_MAX - self.begun.len();
        let here = bytes.get(..room).unwrap_or(bytes);
        let line = here.split(|byte| *byte == b'\n').next().unwrap_or(here);
        self.begun.extend_from_slice(line);
        if line.len() < here.len() {
            return (line.len() + 1, Some(self.take(false)));
        }
        let full = self.begun.len() == LINE_MAX;
        (here.len(), full.then(|| self.take(true)))
    }

    /// The last line, if it has no end.
    pub(super) fn end(mut self) -> Option<Line> {
        (!self.begun.is_empty()).then(|| self.take(true))
    }

    fn take(&mut self, cut: bool) -> Line {
        let line = std::mem::take(&mut self.begun);
        Line {
            text: printable(&String::from_utf8_lossy(&line)),
            cut,
        }
    }
}

/// The text with everything but printable ASCII escaped as in JSON (RFC 8259 section 7), so that JSON stays the same JSON.
fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for char in text.chars() {
        if matches!(char, ' '..='~') {
            printable.push(char);
            continue;
        }
        for unit in char.encode_utf16(&mut [0; 2]) {
            // Writing to a string cannot fail.
            let _ = write!(printable, "\\u{unit:04x}");
        }
    }
    printable
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines_of(pieces: &[&[u8]]) -> Vec<Line> {
        let mut lines = Lines::default();
        let mut found = Vec::new();
        for piece in pieces {
            let mut left = *piece;
            while !left.is_empty() {
                let (length, line) = lines.add(left);
                assert!(length > 0);
                left = &left[length..];
                found.extend(line);
            }
        }
        found.extend(lines.end());
        found
    }

    fn whole(text: &str) -> Line {
        Line {
            text: text.to_owned(),
            cut: false,
        }
    }

    #[test]
    fn lines_are_found_wherever_the_stream_is_cut_into_pieces() {
        let bytes = b"one\n\ntwo\nthree\n";
        let expected = ["one", "", "two", "three"].map(whole);
        for at in 0..bytes.len() {
            let (before, after) = bytes.split_at(at);
            assert_eq!(lines_of(&[before, after]), expected);
        }
        let each: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(lines_of(&each), expected);
    }

    #[test]
    fn a_line_without_an_end_is_split_into_lines_of_bounded_length() {
        let bytes = vec![b'a'; 3 * LINE_MAX + 5];
        let lines = lines_of(&[&bytes]);
        assert_eq!(lines.len(), 4);
        assert!(
            lines
                .iter()
                .all(|line| line.cut && line.text.len() <= LINE_MAX)
        );
        assert_eq!(lines[3].text, "aaaaa");
    }

    #[test]
    fn everything_but_printable_ascii_is_escaped() {
        let every: Vec<u8> = (0..=255).filter(|byte| *byte != b'\n').collect();
        for line in lines_of(&[&every, "\u{202e}\u{2028}é\u{1f511}".as_bytes()]) {
            assert!(line.text.chars().all(|char| matches!(char, ' '..='~')));
        }
        let text = lines_of(&["\u{1b}[31m\r\t\u{7f}é\u{1f511}\n".as_bytes()]);
        let expected = "\\u001b[31m\\u000d\\u0009\\u007f\\u00e9\\ud83d\\udd11";
        assert_eq!(text, [whole(expected)]);
    }

    #[test]
    fn json_stays_the_same_json() {
        let value = serde_json::json!({"message": "a \"quoted\" \\ é \u{1f511}\u{1}\n"});
        let line = format!("{value}\n");
        let lines = lines_of(&[line.as_bytes()]);
        assert_eq!(lines.len(), 1);
        let read: serde_json::Value = serde_json::from_str(&lines[0].text).unwrap();
        assert_eq!(read, value);
    }
}
