//! The bytes of a Nostr event that its id is the hash of (NIP-01).

use aws_lc_rs::digest::{SHA256, digest};

use crate::api::UnsignedEvent;

/// The id of an event by this author, 32 bytes: SHA-256 of its serialisation. What the event says of its author and its id is not looked at.
pub fn event_id(author: &[u8; 32], event: &UnsignedEvent) -> [u8; 32] {
    let UnsignedEvent {
        created_at,
        kind,
        tags,
        content,
        ..
    } = event;
    let serialised = serialise(author, *created_at, *kind, tags, content);
    let mut id = [0; 32];
    id.copy_from_slice(digest(&SHA256, serialised.as_bytes()).as_ref());
    id
}

/// `[0,<pubkey>,<created_at>,<kind>,<tags>,<content>]` without white space, which NIP-01 hashes.
pub fn serialise(
    author: &[u8; 32],
    created_at: u64,
    kind: u16,
    tags: &[Vec<String>],
    content: &str,
) -> String {
    let author = hex::encode(author);
    let mut out = format!("[0,\"{author}\",{created_at},{kind},[");
    for (index, tag) in tags.iter().enumerate() {
        out.push_str(if index == 0 { "[" } else { ",[" });
        for (index, text) in tag.iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            push_text(&mut out, text);
        }
        out.push(']');
    }
    out.push_str("],");
    push_text(&mut out, content);
    out.push(']');
    out
}

fn push_text(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match escape(c) {
            Some(escaped) => out.push_str(escaped),
            None => out.push(c),
        }
    }
    out.push('"');
}

/// The escape of each of the seven characters that NIP-01 escapes; all others stay as they are.
pub fn escape(c: char) -> Option<&'static str> {
    match c {
        '\n' => Some("\\n"),
        '"' => Some("\\\""),
        '\\' => Some("\\\\"),
        '\r' => Some("\\r"),
        '\t' => Some("\\t"),
        '\u{8}' => Some("\\b"),
        '\u{c}' => Some("\\f"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_serialisation_escapes_what_nip_01_says_and_nothing_else() {
        let tags = [
            vec!["t".to_owned(), "a\"b".to_owned()],
            vec!["e".to_owned()],
        ];
        let text = serialise(
            &[1; 32],
            1_700_000_000,
            1,
            &tags,
            "line\nbreak \u{8} \\ \u{7f} é",
        );
        let author = "01".repeat(32);
        assert_eq!(
            text,
            format!(
                r#"[0,"{author}",1700000000,1,[["t","a\"b"],["e"]],"line\nbreak \b \\ {} é"]"#,
                '\u{7f}'
            )
        );
    }
}
