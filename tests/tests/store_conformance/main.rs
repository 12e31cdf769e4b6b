//! Every record store keeps the same promises: the parent's (SQLite and PostgreSQL), and a DynamoDB table by two servers that are not
//! ours, moto and dynalite, over TLS that ends in the enclave's client.
//!
//! The servers do not throttle, lose responses or lie, so that [`permafrost_tests::dynamodb::Front`] stands before them and does.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

mod attacks;
mod cases;
mod faults;
mod postgres;
mod postgres_parent;
mod responses;
mod servers;
mod tables;
mod tag_faults;
mod tag_responses;
mod tagged;

/// The functions of a module that take a store, as tests of each server.
macro_rules! conformance {
    ($module:ident: $($name:ident)+) => {
        mod at_the_parent {
            parents!(@all $module: $($name)+);
        }
        dynamodb!(cases_of_dynamodb, $module, store: $($name)+);
    };
}

/// The same as tests of the parent's databases alone.
macro_rules! parents {
    ($name_of_all:ident, $module:ident: $($name:ident)+) => {
        mod $name_of_all {
            parents!(@all $module: $($name)+);
        }
    };
    (@all $module:ident: $($name:ident)+) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                let sqlite = crate::servers::Sqlite::start().await;
                crate::$module::$name(&sqlite.store).await;
            })+
        }
        mod postgresql {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                let postgres = crate::postgres_parent::Postgres::start().await;
                crate::$module::$name(&postgres.store).await;
            })+
        }
    };
}

/// The same as tests of both servers of DynamoDB's protocol.
macro_rules! dynamodb {
    ($name_of_all:ident, $module:ident, store: $($name:ident)+) => {
        mod $name_of_all {
            dynamodb!(@moto $module, store: $($name)+);
            dynamodb!(@dynalite $module, store: $($name)+);
        }
    };
    ($name_of_all:ident, $module:ident: $($name:ident)+) => {
        mod $name_of_all {
            dynamodb!(@moto $module: $($name)+);
            dynamodb!(@dynalite $module: $($name)+);
        }
    };
    (@$server:ident $module:ident, store: $($name:ident)+) => {
        mod $server {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                let table = crate::servers::Table::new(crate::servers::$server()).await;
                crate::$module::$name(&table.store).await;
            })+
        }
    };
    (@$server:ident $module:ident: $($name:ident)+) => {
        mod $server {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                let table = crate::servers::Table::new(crate::servers::$server()).await;
                crate::$module::$name(&table).await;
            })+
        }
    };
}

conformance! { cases:
    versions_count_from_one_without_a_gap
    a_put_with_another_condition_writes_nothing_and_names_the_version
    of_sixteen_writers_exactly_one_wins_each_version
    of_sixteen_deletions_exactly_one_succeeds
    a_record_is_deleted_only_at_its_version
    a_listing_has_exactly_the_ids_of_its_range_in_order
    a_listing_ends_early_rather_than_exceed_its_bytes
    records_of_other_kinds_are_other_records
    records_of_every_size_come_back_as_they_were
    what_no_store_takes_is_not_sent
}

mod tags {
    conformance! { tagged:
        a_listing_with_a_tag_has_the_records_that_have_it_now
        a_tagged_listing_ends_early_rather_than_exceed_its_bytes
        a_tagged_listing_has_many_records_in_pages
        of_sixteen_writers_with_changing_tags_the_listings_are_those_of_the_last
    }
}

dynamodb! { faults_of_tags, tag_faults:
    a_put_of_the_same_tags_is_one_call_and_of_others_a_transaction
    a_write_that_is_broken_off_in_any_call_leaves_each_tag_with_its_record
    a_change_of_tags_whose_response_was_lost_is_no_conflict
    a_change_of_tags_whose_request_was_lost_conflicts_with_anothers
    a_deletion_of_a_tagged_record_whose_response_was_lost_is_never_a_conflict
    tags_that_change_under_the_same_version_are_followed
    a_cancelled_transaction_is_tried_again_only_if_that_may_help
    the_tags_are_right_while_everything_fails
}

dynamodb! { responses_to_tags, tag_responses:
    records_that_were_left_unread_are_asked_for_again
    records_that_are_left_unread_for_too_long_fail_the_listing
    an_entry_whose_record_has_not_the_tag_is_left_out
    a_response_about_tagged_records_of_another_form_is_refused
}

dynamodb! { faults_of_dynamodb, faults:
    a_throttled_call_is_tried_again
    a_call_that_is_throttled_for_too_long_has_written_nothing
    a_put_whose_response_was_lost_is_no_conflict
    a_put_whose_request_was_lost_conflicts_with_anothers
    a_put_that_was_overwritten_before_it_was_confirmed_has_an_unknown_outcome
    a_put_without_any_response_has_an_unknown_outcome
    a_deletion_whose_response_was_lost_has_an_unknown_outcome
    a_failing_dynamodb_is_asked_again_and_may_have_written
    no_write_is_lost_or_told_wrongly_while_everything_fails
}

dynamodb! { responses_of_dynamodb, responses:
    a_damaged_response_is_not_believed
    a_response_that_was_cut_off_is_asked_for_again
    a_response_that_takes_too_long_is_asked_for_again
    a_response_of_another_form_is_refused
    a_decision_is_not_asked_for_again
}

dynamodb! { tables_of_dynamodb, tables:
    the_table_has_the_documented_items
    the_greatest_version_is_exact
    an_item_that_is_not_a_record_is_refused
    a_table_of_another_form_is_refused
    a_table_in_another_state_is_refused
    a_request_is_signed_for_dynamodb_with_the_newest_credentials
}
