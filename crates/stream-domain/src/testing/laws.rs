//! The laws of stores: what every store promises, run on every store.
//!
//! A store's test module says [`store_laws!`](crate::store_laws) once; a law that is added here then reaches
//! them all.

mod admissions;
mod asked;
mod away;
mod blocks;
mod catalog;
mod clues;
mod delivered;
mod deliveries;
mod details;
mod ends;
mod events;
mod heartbeats;
mod history;
mod keys;
mod kicks;
mod lookup;
mod operations;
mod presence;
mod schedules;
mod statistics;
mod streams;
mod taken_schedules;
mod webhooks;
mod withdrawals;

pub use admissions::*;
pub use away::*;
pub use blocks::*;
pub use catalog::*;
pub use clues::*;
pub use deliveries::*;
pub use details::*;
pub use ends::*;
pub use events::*;
pub use heartbeats::*;
pub use history::*;
pub use keys::*;
pub use kicks::*;
pub use lookup::*;
pub use operations::*;
pub use presence::*;
pub use schedules::*;
pub use statistics::*;
pub use taken_schedules::*;
pub use webhooks::*;
pub use withdrawals::*;

/// Makes one test of each law.
///
/// `store` is an async expression that gives a guard and an empty store (anything that derefs to one).
/// `away` is one that gives a guard and a store whose database cannot be reached.
/// `block_on` is a function that runs a future to its end.
#[macro_export]
macro_rules! store_laws {
    (store: $store:expr, away: $away:expr, block_on: $block_on:expr) => {
        // Lookups.
        $crate::store_laws!(@each $store, $block_on;
            a_started_stream_is_found_by_its_key
            an_unknown_key_finds_nothing
            keys_are_compared_byte_by_byte
            keys_of_255_characters_are_kept
            a_lookup_after_a_stop_finds_the_stop
            times_survive_a_round_trip
        );
        // Keys.
        $crate::store_laws!(@each $store, $block_on;
            a_taken_key_is_refused
            a_taken_playback_id_is_refused
            a_second_start_is_refused_and_names_the_active_stream
            more_keys_than_a_minute_has_are_refused
            a_stop_is_followed_by_the_cool_down
            one_of_many_racers_wins
            racers_of_different_users_all_win
            a_stopped_user_may_start_again
            stopping_ends_the_active_stream
            stopping_finds_nothing_to_stop_twice
            one_of_many_stoppers_wins
            an_expired_stream_cannot_be_stopped
            an_expired_stream_does_not_block_its_user
            a_stream_is_active_to_its_last_microsecond
            a_sweep_marks_overdue_streams_in_batches
            concurrent_sweeps_mark_each_stream_once
            a_sweep_leaves_stopped_streams_alone
            own_streams_come_newest_first_in_every_state
            random_histories_match_the_model
        );
        // The catalog.
        $crate::store_laws!(@each $store, $block_on;
            active_streams_come_newest_first
            streams_of_one_instant_come_by_number
            pages_join_to_the_whole_list
            a_page_is_undisturbed_by_new_streams
            a_page_is_what_it_is_at_its_time
            a_page_is_read_again_each_time
        );
        // Details, and what they are found by.
        $crate::store_laws!(@each $store, $block_on;
            a_described_stream_has_its_details
            only_an_owners_active_stream_is_described
            a_new_stream_begins_with_its_channels_details
            lists_show_details_without_descriptions
            an_unlisted_stream_is_in_no_list
            unlisted_streams_take_no_place_in_pages
            an_ended_stream_is_found_no_longer
            pages_of_a_search_neither_skip_nor_repeat
            what_is_common_is_found_as_what_is_rare
            filters_find_what_they_name
            searches_find_what_a_plain_filter_finds
        );
        // Schedules.
        $crate::store_laws!(@each $store, $block_on;
            a_plan_is_kept_as_it_is
            plans_of_one_user_do_not_overlap
            one_of_many_planners_wins
            a_user_plans_only_so_much
            a_change_of_a_schedule_is_counted
            a_new_key_takes_the_current_schedule
            a_key_may_name_its_schedule
            a_key_takes_what_is_to_come_before_what_has_ended
            a_schedule_is_as_its_stream_is
            schedules_come_soonest_first
            filters_of_schedules_find_what_they_name
            an_unlisted_schedule_is_in_no_public_list
            old_schedules_are_forgotten
            random_histories_of_schedules_match_memory
        );
        // Admissions,
        $crate::store_laws!(@each $store, $block_on;
            an_admitted_publisher_is_live
            only_a_publishable_key_is_admitted
            a_key_belongs_to_its_playback_id
            a_session_is_live_while_its_lease_runs
            asking_twice_changes_nothing
            a_second_publisher_is_refused
            one_of_many_publishers_wins
            takeovers_at_once_leave_one_open_session
            one_session_id_has_one_open_session
            the_same_address_takes_over
            unknown_addresses_are_not_the_same
            an_overdue_session_gives_way
            a_quick_reconnect_is_the_same_broadcast
            a_connection_publishes_one_thing
            a_connection_count_that_restarts_ends_older_sessions
            an_overdue_session_that_asks_again_begins_a_new_one
            two_encoders_behind_one_address_do_not_take_turns
            an_encoder_that_loses_its_connection_comes_back
        );
        // how they end,
        $crate::store_laws!(@each $store, $block_on;
            an_end_ends_only_the_session_that_it_names
            an_end_after_expiry_is_an_expiry
            a_session_ends_by_its_keys_expiry_whatever_ends_it_later
            an_overdue_session_was_lost_whatever_is_said_later
        );
        // how they are withdrawn,
        $crate::store_laws!(@each $store, $block_on;
            an_admission_that_came_too_late_is_undone
            a_withdrawal_brings_no_kicked_publisher_back
            a_withdrawal_after_a_stop_leaves_the_first_to_be_kicked
            a_withdrawal_takes_nothing_from_others
        );
        // and how refused attempts are noted.
        $crate::store_laws!(@each $store, $block_on;
            an_attempt_is_noted_for_the_owner_that_its_clues_name
        );
        // Presence by lists,
        $crate::store_laws!(@each $store, $block_on;
            an_admitted_publisher_is_live_when_its_server_shows_it
            a_heartbeat_confirms_its_publisher
            a_publisher_that_was_never_seen_begins_no_broadcast
            a_stalled_publisher_is_off_air_until_it_moves
            an_old_list_stalls_no_publisher
            a_heartbeat_does_not_renew_a_stalled_publisher
            a_partial_list_ends_no_session_at_once
            a_list_ends_the_sessions_that_it_misses
            a_session_that_was_lost_comes_back
            a_session_that_was_lost_comes_back_by_its_name
            a_session_that_is_found_again_is_the_publisher_it_was
        );
        // and by heartbeats.
        $crate::store_laws!(@each $store, $block_on;
            a_new_boot_of_a_server_ends_its_sessions
            a_late_heartbeat_of_an_earlier_boot_changes_nothing
            two_servers_under_one_name_leave_each_other_alone
            a_clock_that_is_set_back_leaves_nobody_live
            what_renews_after_a_clock_was_set_back_bounds_the_lease
            clocks_that_differ_a_little_shorten_no_lease
        );
        // Kicks.
        $crate::store_laws!(@each $store, $block_on;
            a_stopped_publisher_is_to_be_kicked
            a_replaced_publisher_is_left_alone_at_first
            an_expired_publisher_is_to_be_kicked
            a_stop_kicks_an_unconfirmed_publisher
            a_stalled_publisher_gives_way_and_is_kicked
            a_pending_kick_outlives_the_lease
            a_stop_and_an_admission_at_once_leave_a_refusal_or_a_kick
            a_pending_kick_expires
        );
        // History.
        $crate::store_laws!(@each $store, $block_on;
            sessions_are_shown_to_their_owner
            old_sessions_are_forgotten
            random_histories_of_publishers_match_memory
        );
        // Statistics.
        $crate::store_laws!(@each $store, $block_on;
            counts_agree_with_the_public_lists
            ended_sessions_are_listed_with_their_reasons
        );
        // What operators see and do.
        $crate::store_laws!(@each $store, $block_on;
            a_stream_is_found_by_its_number
            operators_see_the_sessions_of_all
            an_ordered_kick_marks_one_open_session
            a_stream_is_stopped_by_its_number
            an_ordered_kick_keeps_the_reason_of_a_pending_one
            servers_are_shown_with_what_was_last_heard
        );
        // The log of events.
        $crate::store_laws!(@each $store, $block_on;
            the_life_of_a_stream_is_told_in_order
            a_publisher_that_comes_back_in_time_is_no_end
            a_publisher_that_comes_back_too_late_is_live_anew
            an_admitted_publisher_keeps_its_stream_from_going_offline
            a_stalled_publisher_goes_offline
            a_takeover_that_is_undone_is_told
            refused_publishers_are_told_once_a_minute
            a_plan_is_told_of_from_its_making_to_its_end
            what_changes_nothing_is_no_event
            the_log_is_read_by_positions
            old_events_are_forgotten_from_the_beginning
            positions_have_no_gaps_whoever_writes
        );
        // Webhooks, and what is delivered to them.
        $crate::store_laws!(@each $store, $block_on;
            an_endpoint_is_its_owners
            a_user_has_only_so_many_endpoints
            an_event_is_pending_for_those_who_want_it
            what_was_taken_is_taken_once
            one_of_many_senders_takes_a_delivery
            a_sender_takes_only_so_much
            an_attempt_is_recorded_with_what_follows
            an_endpoint_that_is_switched_off_is_told_of_and_left_alone
            an_endpoint_is_judged_by_what_it_is_now
            the_last_attempts_are_kept
            deliveries_are_listed_and_tried_again
            a_replay_delivers_once_more
            events_are_kept_for_those_who_have_yet_to_get_them
            the_operators_endpoint_is_kept_as_it_is_wanted
        );
        // Users who may not stream.
        $crate::store_laws!(@each $store, $block_on;
            a_blocked_user_has_no_active_stream_and_gets_none
            a_block_stops_only_what_is_active
            a_second_block_changes_the_reason_alone
            blocks_are_listed_the_latest_first
            a_block_wins_against_starts_at_the_same_time
        );
        // A store that cannot be reached.
        $crate::store_laws!(@each $away, $block_on;
            a_store_that_is_away_says_so
            a_store_that_is_away_says_nothing_of_sessions
        );
    };
    (@each $store:expr, $block_on:expr; $($law:ident)+) => { $(
        #[test]
        fn $law() {
            $block_on(async {
                let (_guard, store) = $store.await;
                $crate::testing::laws::$law(&*store).await;
            });
        }
    )+ };
}
