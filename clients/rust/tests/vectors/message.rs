//! HTTP messages in the form that the vector files give them.

use http::{HeaderMap, HeaderName, HeaderValue, Response, Uri, request, response};
use serde::{Deserialize, Serialize};

/// A request. Fields are `name: value`, in their order.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) fields: Vec<String>,
    #[serde(with = "crate::hex_text")]
    pub(crate) body: Vec<u8>,
}

/// A response. Fields are `name: value`, in their order.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Message {
    pub(crate) status: u16,
    pub(crate) fields: Vec<String>,
    #[serde(with = "crate::hex_text")]
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn new(method: &str, target: &str, fields: &[&str], body: &[u8]) -> Self {
        Self {
            method: method.to_owned(),
            target: target.to_owned(),
            fields: fields.iter().map(ToString::to_string).collect(),
            body: body.to_vec(),
        }
    }

    pub(crate) fn parts(&self) -> request::Parts {
        let mut parts = http::Request::new(()).into_parts().0;
        parts.method = self.method.parse().unwrap();
        parts.uri = self.target.parse::<Uri>().unwrap();
        parts.headers = headers(&self.fields);
        parts
    }
}

impl Message {
    pub(crate) fn new(status: u16, fields: &[&str], body: &[u8]) -> Self {
        Self {
            status,
            fields: fields.iter().map(ToString::to_string).collect(),
            body: body.to_vec(),
        }
    }

    pub(crate) fn parts(&self) -> response::Parts {
        let mut parts = Response::new(()).into_parts().0;
        parts.status = self.status.try_into().unwrap();
        parts.headers = headers(&self.fields);
        parts
    }
}

/// `name: value` for each of these fields, once.
pub(crate) fn lines(headers: &HeaderMap, names: &[&str]) -> Vec<String> {
    names
        .iter()
        .map(|name| format!("{name}: {}", headers[*name].to_str().unwrap()))
        .collect()
}

fn headers(fields: &[String]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for field in fields {
        let (name, value) = field.split_once(": ").unwrap();
        headers.append(
            name.parse::<HeaderName>().unwrap(),
            value.parse::<HeaderValue>().unwrap(),
        );
    }
    headers
}
