//! DynamoDB as a service of AWS.

use permafrost_common::table_arn::TableArn;

use crate::aws::{Protocol, Service};

/// DynamoDB in a table's region, at a host.
pub fn service(table: &TableArn, host: String, port: u16) -> Service {
    Service {
        title: "DynamoDB",
        name: "dynamodb",
        region: table.region().to_owned(),
        host,
        port,
        protocol: Protocol::Json {
            target: "DynamoDB_20120810",
            content_type: "application/x-amz-json-1.0",
        },
    }
}
