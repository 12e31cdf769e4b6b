//! BER in every form, valid or not: input for the parser's tests.

use super::Parts;

/// An element.
#[derive(Clone, Debug)]
pub(super) enum Node {
    Primitive(u8, Vec<u8>),
    Definite(u8, Vec<Node>),
    Indefinite(u8, Vec<Node>),
    /// Bytes as they are.
    Raw(Vec<u8>),
}

impl Node {
    pub(super) fn encode(&self) -> Vec<u8> {
        match self {
            Self::Primitive(identifier, contents) => element(*identifier, contents),
            Self::Definite(identifier, children) => element(*identifier, &encode_all(children)),
            Self::Indefinite(identifier, children) => {
                [&[*identifier, 0x80], &*encode_all(children), &[0, 0]].concat()
            }
            Self::Raw(bytes) => bytes.clone(),
        }
    }

    /// The node at this path of child indices.
    pub(super) fn at(&mut self, path: &[usize]) -> &mut Self {
        match path {
            [] => self,
            [index, path @ ..] => self.children()[*index].at(path),
        }
    }

    pub(super) fn children(&mut self) -> &mut Vec<Self> {
        match self {
            Self::Definite(_, children) | Self::Indefinite(_, children) => children,
            _ => panic!("{self:?} has no children"),
        }
    }

    /// Gives this node and every node below it the form that `indefinite` chooses, if it has children.
    pub(super) fn reform(&mut self, indefinite: &mut impl FnMut() -> bool) {
        if let Self::Definite(identifier, children) | Self::Indefinite(identifier, children) = self
        {
            let (identifier, mut children) = (*identifier, std::mem::take(children));
            for child in &mut children {
                child.reform(indefinite);
            }
            *self = if indefinite() {
                Self::Indefinite(identifier, children)
            } else {
                Self::Definite(identifier, children)
            };
        }
    }
}

/// The value in the form of the published ones.
pub(super) fn kms_form(parts: &Parts) -> Node {
    let sha256 = || sequence(vec![oid(SHA256), Node::Primitive(0x05, vec![])]);
    let oaep = sequence(vec![
        Node::Definite(0xa0, vec![sha256()]),
        Node::Definite(0xa1, vec![sequence(vec![oid(MGF1), sha256()])]),
    ]);
    let recipient = sequence(vec![
        Node::Primitive(0x02, vec![2]),
        Node::Primitive(0x80, parts.recipient.clone()),
        sequence(vec![oid(RSAES_OAEP), oaep]),
        octets(&parts.encrypted_key),
    ]);
    let content = Node::Indefinite(
        0x30,
        vec![
            oid(DATA),
            sequence(vec![oid(AES256_CBC), octets(&parts.iv)]),
            Node::Indefinite(0xa0, vec![octets(&parts.ciphertext)]),
        ],
    );
    let enveloped = Node::Indefinite(
        0x30,
        vec![
            Node::Primitive(0x02, vec![2]),
            Node::Definite(0x31, vec![recipient]),
            content,
        ],
    );
    Node::Indefinite(
        0x30,
        vec![oid(ENVELOPED_DATA), Node::Indefinite(0xa0, vec![enveloped])],
    )
}

pub(super) fn sequence(children: Vec<Node>) -> Node {
    Node::Definite(0x30, children)
}

pub(super) fn octets(octets: &[u8]) -> Node {
    Node::Primitive(0x04, octets.to_vec())
}

/// An OBJECT IDENTIFIER of two arcs and more, in dotted form.
pub(super) fn oid(dotted: &str) -> Node {
    let arcs: Vec<u32> = dotted.split('.').map(|arc| arc.parse().unwrap()).collect();
    let mut contents = vec![];
    for arc in std::iter::once(arcs[0] * 40 + arcs[1]).chain(arcs[2..].iter().copied()) {
        let groups = (0..5).rev().map(|group| (arc >> (7 * group)) & 0x7f);
        let mut groups: Vec<_> = groups.skip_while(|group| *group == 0).collect();
        let last = groups.pop().unwrap_or(0);
        contents.extend(groups.iter().map(|group| 0x80 | *group as u8));
        contents.push(last as u8);
    }
    Node::Primitive(0x06, contents)
}

fn encode_all(nodes: &[Node]) -> Vec<u8> {
    nodes.iter().flat_map(Node::encode).collect()
}

fn element(identifier: u8, contents: &[u8]) -> Vec<u8> {
    let length = contents.len().to_be_bytes();
    let length = &length[length.iter().take_while(|byte| **byte == 0).count()..];
    match contents.len() {
        short @ 0..0x80 => [&[identifier, short as u8], contents].concat(),
        _ => [&[identifier, 0x80 | length.len() as u8], length, contents].concat(),
    }
}

pub(super) const ENVELOPED_DATA: &str = "1.2.840.113549.1.7.3";
pub(super) const DATA: &str = "1.2.840.113549.1.7.1";
pub(super) const RSAES_OAEP: &str = "1.2.840.113549.1.1.7";
pub(super) const MGF1: &str = "1.2.840.113549.1.1.8";
pub(super) const P_SPECIFIED: &str = "1.2.840.113549.1.1.9";
pub(super) const SHA256: &str = "2.16.840.1.101.3.4.2.1";
pub(super) const AES256_CBC: &str = "2.16.840.1.101.3.4.1.42";

/// Where the parts are in [`kms_form`].
pub(super) mod path {
    pub(crate) const CONTENT_TYPE: &[usize] = &[0];
    pub(crate) const CONTENT: &[usize] = &[1];
    pub(crate) const ENVELOPED_DATA: &[usize] = &[1, 0];
    pub(crate) const VERSION: &[usize] = &[1, 0, 0];
    pub(crate) const RECIPIENTS: &[usize] = &[1, 0, 1];
    pub(crate) const RECIPIENT: &[usize] = &[1, 0, 1, 0];
    pub(crate) const RECIPIENT_VERSION: &[usize] = &[1, 0, 1, 0, 0];
    pub(crate) const IDENTIFIER: &[usize] = &[1, 0, 1, 0, 1];
    pub(crate) const KEY_ALGORITHM: &[usize] = &[1, 0, 1, 0, 2, 0];
    pub(crate) const OAEP: &[usize] = &[1, 0, 1, 0, 2, 1];
    pub(crate) const HASH: &[usize] = &[1, 0, 1, 0, 2, 1, 0, 0];
    pub(crate) const MASK: &[usize] = &[1, 0, 1, 0, 2, 1, 1, 0];
    pub(crate) const MASK_HASH: &[usize] = &[1, 0, 1, 0, 2, 1, 1, 0, 1];
    pub(crate) const ENCRYPTED_KEY: &[usize] = &[1, 0, 1, 0, 3];
    pub(crate) const CONTENT_INFO: &[usize] = &[1, 0, 2];
    pub(crate) const INNER_TYPE: &[usize] = &[1, 0, 2, 0];
    pub(crate) const CONTENT_ALGORITHM: &[usize] = &[1, 0, 2, 1];
    pub(crate) const IV: &[usize] = &[1, 0, 2, 1, 1];
    pub(crate) const CIPHERTEXT: &[usize] = &[1, 0, 2, 2];
}
