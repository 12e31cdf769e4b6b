//! The API description, for programs (`/openapi.json`) and for people (`/docs`).

use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use http::Method;

use super::{
    Access, Call, Cost, Handled, Handler, Operation, Reply, Success, api_description, reference,
};
use crate::enclave::Enclave;

pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation {
            id: "openapi",
            method: Method::GET,
            path: "/openapi.json",
            summary: "Returns this API description (OpenAPI 3.1).",
            access: Access::Open,
            creates: false,
            query: &[],
            body: None,
            success: Success {
                status: 200,
                description: "The API description.",
                content_type: "application/json",
                schema: None,
            },
            problems: &[],
            cost: Cost::Cheap,
            handler: Handler::Of(openapi),
        },
        Operation {
            id: "docs",
            method: Method::GET,
            path: "/docs",
            summary: "Returns this API description as a readable reference.",
            access: Access::Open,
            creates: false,
            query: &[],
            body: None,
            success: Success {
                status: 200,
                description: "HTML that loads nothing and runs no script.",
                content_type: reference::CONTENT_TYPE,
                schema: None,
            },
            problems: &[],
            cost: Cost::Cheap,
            handler: Handler::Of(docs),
        },
    ]
}

// Anyone may ask for these as fast as they can: each is made once.
static OPENAPI: LazyLock<Bytes> = LazyLock::new(|| api_description().to_string().into());
static REFERENCE: LazyLock<Bytes> = LazyLock::new(|| reference::html().into());

fn openapi(_: Arc<Enclave>, _: Call) -> Handled {
    Box::pin(async { Ok(Reply::new(200, "application/json", OPENAPI.clone())) })
}

fn docs(_: Arc<Enclave>, _: Call) -> Handled {
    Box::pin(async { Ok(Reply::new(200, reference::CONTENT_TYPE, REFERENCE.clone())) })
}
