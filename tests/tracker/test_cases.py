"""Which test holds which of the 103 cases: 36 faults that users of other trackers reported, and 67 that held.

A case may have several tests. A case without one says why. This module checks that each test exists.
"""

import re
from functools import cache

import pytest

from tests.support.paths import ROOT

Case = tuple[str, str]
"""What happened, and the tests, as `folder/module::test` below tests/, without `test_` in front of both."""

FAULTS: dict[str, Case] = {
    "F1": (
        "data: URL of a download",
        "tracker/hostile_pages::download_of_a_data_url_counts_without_its_contents",
    ),
    "F2": (
        "navigator.onLine is false",
        "tracker/hostile_pages::browser_that_says_it_is_offline_is_not_believed",
    ),
    "F3": (
        "<img name=currentScript>",
        "tracker/hostile_pages::elements_named_like_the_documents_own_fields_change_nothing"
        " tracker/hostile_pages::clobbered_script_does_not_undo_consent",
    ),
    "F4": ("Prototype.js", "tracker/hostile_pages::prototypes_of_an_old_library_change_nothing_that_is_sent"),
    "F5": ("links of an SVG", "tracker/hostile_pages::links_of_an_svg_are_links"),
    "F6": (
        "<input name=id>",
        "tracker/hostile_pages::inputs_named_like_an_elements_own_fields_change_nothing",
    ),
    "F7": ("numeric id 0", "tracker/hostile_pages::ids_may_be_the_number_zero"),
    "F8": (
        "URL over the limit",
        "tracker/hostile_pages::campaign_behind_a_long_query_is_sent"
        " ingest_app/parsing/clicks::what_is_not_kept_of_a_url_cannot_cost_what_is_kept"
        " ingest_app/parsing/clicks::long_url_is_cut_and_the_receipt_says_so",
    ),
    "F9": (
        "long title and href",
        "tracker/hostile_pages::what_is_too_long_is_cut_before_it_is_stored"
        " ingest_app/parsing/clicks::long_text_is_cut_and_the_receipt_says_which",
    ),
    "F10": (
        "element changes between down and up",
        "tracker/hostile_pages::element_that_changes_under_the_pointer_was_clicked"
        " tracker/hostile_pages::drag_from_one_element_to_another_is_no_click_on_either",
    ),
    "F11": (
        "endpoint that answers 200 to everything",
        "tracker/hostile_pages::endpoint_that_answers_without_receipts_is_asked_less_and_less",
    ),
    "F12": (
        "Tag Manager strips data-*",
        "tracker/hostile_pages::script_without_an_endpoint_says_so_and_sends_nothing"
        " tracker/hostile_pages::queue_may_carry_settings_where_attributes_are_stripped",
    ),
    "F13": (
        "no currentScript",
        "tracker/hostile_pages::tracker_at_the_top_of_a_bundle_lets_the_bundle_run"
        " tracker/hostile_pages::module_for_bundlers_starts_when_told_to",
    ),
    "F14": ("calls before the script", "tracker/hostile_pages::calls_before_the_script_are_kept"),
    "F15": (
        "page's own `clicks`",
        "tracker/hostile_pages::pages_own_variable_of_that_name_stays_its_own"
        " tracker/hostile_pages::globals_that_the_page_changes_later_lose_nothing",
    ),
    "F16": (
        "localStorage.clear() after an opt-out",
        "tracker/hostile_pages::opting_out_outlasts_a_storage_that_the_page_clears",
    ),
    "F17": (
        "text that nobody reads, or that was typed",
        "tracker/hostile_pages::text_is_what_a_person_reads_and_never_what_was_typed",
    ),
    "F18": ("pixel without an image", "ingest_app/pixel::click_is_answered_with_a_gif_of_one_pixel"),
    "F19": ("pixel of a prerendered page", "ingest_app/pixel::prefetch_gets_the_gif_and_is_not_a_click"),
    "F20": ("mail proxies", "processor/parsing/bots::a_bot_is_marked_with_the_rule_that_fired"),
    "F21": ("AI assistants as referrer", "processor/parsing/referrer::a_referrer_has_a_kind"),
    "F22": (
        "Navigation API",
        "tracker/hostile_pages::every_way_to_a_new_path_is_a_page_view"
        " tracker/autocapture::page_view_without_a_load_counts_at_once",
    ),
    "F23": ("slash at the end", "tracker/hostile_pages::every_way_to_a_new_path_is_a_page_view"),
    "F24": (
        "patched pushState",
        "tracker/hostile_pages::functions_of_the_history_are_left_as_they_are"
        " tracker/hostile_pages::every_way_to_a_new_path_is_a_page_view",
    ),
    "F25": ("lock and bfcache", "tracker/hostile_pages::request_under_way_holds_no_lock"),
    "F26": (
        "Object.prototype.extend",
        "tracker/hostile_pages::prototypes_of_an_old_library_change_nothing_that_is_sent",
    ),
    "F27": ("<base href>", "tracker/hostile_pages::base_of_the_page_leads_no_click_elsewhere"),
    "F28": ("second copy with other attributes", "tracker/manners::two_copies_of_the_script_count_once"),
    "F29": ("frame with srcdoc", ""),  # docs/tracker.md says what happens
    "F30": (
        "pixel's query that is not encoded",
        "ingest_app/pixel::query_that_a_template_has_not_encoded_is_understood"
        " ingest_app/parsing/clicks::pixel_cuts_a_long_title_too",
    ),
    "F31": ("Unicode host", "ingest_app/parsing/clicks::what_is_not_kept_of_a_url_cannot_cost_what_is_kept"),
    "F32": (
        "property that JSON cannot hold",
        "tracker/hostile_pages::property_that_json_cannot_hold_costs_the_properties_and_not_the_click",
    ),
    "F33": ("empty item attribute", "tracker/hostile_pages::nearest_item_that_has_an_id_counts"),
    "F34": ("script that is blocked", "tracker/hostile_pages::calls_before_the_script_are_kept"),
    "odd port": (
        "path behind a port that is no number",
        "processor/parsing/url::a_url_is_split_into_host_path_and_query",
    ),
    "F10, re-rendered": (
        "element is replaced between down and up",
        "tracker/hostile_pages::element_that_changes_under_the_pointer_was_clicked",
    ),
}

HELD: tuple[Case, ...] = (
    ("shadow DOM", "tracker/clicks::nearest_item_counts_through_shadow_roots"),
    ("icon in a button", "tracker/ordinary_pages::click_on_an_icon_is_one_on_its_button"),
    ("middle click", "tracker/manners::middle_click_opens_its_tab_and_is_counted"),
    (
        "default of ctrl and shift clicks",
        "tracker/ordinary_pages::click_with_a_modifier_key_counts_and_keeps_its_default"
        " tracker/manners::default_of_a_click_happens_and_the_click_is_counted_once",
    ),
    ("right click", "tracker/manners::right_click_is_no_click"),
    ("click on document", "tracker/ordinary_pages::click_on_the_document_itself_throws_nothing"),
    ("script twice", "tracker/manners::two_copies_of_the_script_count_once"),
    ("prerender", "tracker/ordinary_pages::prerendered_page_counts_only_when_it_is_shown"),
    ("tab in the background", "tracker/clicks::page_is_counted_when_it_is_seen"),
    ("referrer of SPA views", "tracker/clicks::pages_are_counted_by_their_path"),
    ("url and title are the new ones", "tracker/hostile_pages::page_view_comes_before_the_clicks_on_it"),
    ("pushState without this", "tracker/manners::page_keeps_its_own_history_functions"),
    ("pushState that throws", "tracker/hostile_pages::functions_of_the_history_are_left_as_they_are"),
    ("hash routes", "tracker/ordinary_pages::change_of_the_fragment_or_query_is_no_page_view"),
    (
        "blocked endpoint, full storage",
        "tracker/manners::policy_or_blocker_that_forbids_the_endpoint_harms_nothing"
        " tracker/manners::click_arrives_in_a_browser_where tracker/delivery::queue_is_bounded_by_count",
    ),
    ("status 0", "tracker/delivery::pauses_grow_from_failure_to_failure"),
    ("resent with the same id", "tracker/delivery::click_is_sent_again_as_it_was_after_each_passing_failure"),
    ("click that leaves", "tracker/engines::click_that_leaves_the_page_arrives"),
    ("keepalive in WebKit", "tracker/engines::click_that_leaves_the_page_arrives"),
    ("no sendBeacon", "tracker/manners::click_arrives_in_a_browser_where"),
    ("beacons are blocked", "tracker/leaving::each_of_200_clicks_that_leave_the_page_arrives"),
    ("64 KiB of keepalive", "tracker/delivery::click_beyond_what_keepalive_allows_blocks_no_other"),
    ("offline", "tracker/delivery::offline_and_back"),
    ("server down, then up", "tracker/engines::click_arrives_when_the_server_is_back"),
    ("reload with a queue", "tracker/engines::click_that_was_turned_away_goes_from_the_next_page"),
    ("pagehide and bfcache", "tracker/engines::page_that_comes_back_from_the_back_forward_cache_goes_on"),
    ("lock of a page in bfcache", "tracker/leaving::page_comes_back_from_the_back_forward_cache_and_goes_on"),
    ("frozen tab", "tracker/ordinary_pages::tab_that_is_frozen_with_a_claim_does_not_hold_up_another"),
    ("service worker", "tracker/ordinary_pages::click_passes_through_a_service_worker"),
    (
        "page patches fetch",
        "tracker/hostile_pages::page_that_has_broken_fetch_keeps_its_clicks_for_one_that_has_not",
    ),
    ("CSP and Trusted Types", "tracker/manners::strict_content_security_policy_is_obeyed"),
    ("sandbox, no storage", "tracker/manners::click_arrives_from_a_sandbox_that_has_no_storage_and_no_locks"),
    ("privacy signal", "tracker/consent::privacy_signal_takes_out_who_it_was"),
    ("resistFingerprinting", ""),  # a preference of Firefox that was tried by hand
    ("keyboard", "tracker/manners::default_of_a_click_happens_and_the_click_is_counted_once"),
    (
        "touch, double click, disabled, label",
        "tracker/ordinary_pages::two_clicks_of_a_double_click_are_two"
        " tracker/ordinary_pages::tap_of_a_finger_is_a_click"
        " tracker/ordinary_pages::button_that_is_disabled_is_not_clicked"
        " tracker/ordinary_pages::label_counts_once_where_its_control_is_the_item",
    ),
    (
        "drag, selection, print",
        "tracker/hostile_pages::drag_from_one_element_to_another_is_no_click_on_either"
        " tracker/ordinary_pages::selecting_text_in_an_item_counts_as_the_browser_says"
        " tracker/ordinary_pages::printing_and_a_page_that_asks_before_it_is_left_change_nothing",
    ),
    ("click() of a script", "tracker/ordinary_pages::click_of_a_script_counts"),
    ("select option", "tracker/ordinary_pages::choosing_an_option_is_no_click"),
    ("blob: download", "tracker/hostile_pages::of_an_address_that_is_no_page_only_the_scheme_is_sent"),
    ("mailto:, tel:", "tracker/hostile_pages::of_an_address_that_is_no_page_only_the_scheme_is_sent"),
    ("odd links", "tracker/clicks::links_that_leave_and_files_are_counted"),
    ("emoji cut in a title", "tracker/clicks::text_that_is_cut_through_an_emoji_stays_text"),
    ("clock jumps ahead", "tracker/delivery::queue_is_bounded_by_age"),
    (
        "consent and localStorage.clear()",
        "tracker/ordinary_pages::click_before_consent_outlasts_a_storage_that_the_page_clears",
    ),
    (
        "beforeunload",
        "tracker/ordinary_pages::printing_and_a_page_that_asks_before_it_is_left_change_nothing",
    ),
    (
        "element that removes itself",
        "tracker/ordinary_pages::element_that_its_own_handler_removes_was_clicked",
    ),
    ("stopImmediatePropagation", "tracker/manners::page_that_stops_its_events_hides_no_click"),
    ("nested controls", "tracker/ordinary_pages::nearest_item_of_nested_ones_counts"),
    ("DOM id clicks", "tracker/hostile_pages::elements_named_like_the_documents_own_fields_change_nothing"),
    ("img name=title", "tracker/hostile_pages::elements_named_like_the_documents_own_fields_change_nothing"),
    ("session, cookie", "tracker/clicks::session_ends_after_half_an_hour_without_a_click"),
    ("bad type in a batch", "tracker/with_the_ingest_app::refused_click_is_named_and_takes_no_other_with_it"),
    (
        "agents with == or [FB_IAB]",
        "processor/parsing/user_agent::a_user_agent_names_browser_system_and_device",
    ),
    ("percent and emoji in the agent", "ingest_app/sender::agent_is_cut_and_is_valid_unicode"),
    (
        "URL that is not encoded",
        "ingest_app/parsing/clicks::what_is_not_kept_of_a_url_cannot_cost_what_is_kept",
    ),
    ("malformed query", "ingest_app/parsing/any_body::any_query_is_accepted_or_refused"),
    ("HEAD", "ingest_app/pixel::head_is_not_a_click"),
    (
        "data: as page URL",
        "ingest_app/parsing/clicks::any_other_invalid_field_is_dropped_and_the_receipt_says_why",
    ),
    ("android-app:// referrers", "processor/parsing/referrer::a_referrer_has_a_kind"),
    ("referrers that are not http", "ingest_app/parsing/clicks::valid_field_is_kept"),
    ("34 kinds of referrers", "processor/parsing/referrer::a_referrer_has_a_kind"),
    ("odd HTTP", "ingest_app/e2e/flask_run::odd_request_gets_a_defined_response"),
    ("occurredAt, 17 spellings", "ingest_app/parsing/clicks::valid_field_is_kept"),
    ("campaign, odd values", "processor/parsing/campaign::a_url_is_parsed_into_page_and_campaign"),
    ("NUL and noncharacters", "ingest_app/parsing/clicks::valid_field_is_kept"),
    (
        "eventId in braces",
        "ingest_app/parsing/clicks::invalid_type_item_id_user_id_or_event_id_rejects_the_click",
    ),
)

WITHOUT_A_TEST = {"frame with srcdoc", "resistFingerprinting"}


@cache
def _names_in(module: str) -> set[str]:
    folder, _, name = module.rpartition("/")
    source = (ROOT / "tests" / folder / f"test_{name}.py").read_text()
    return set(re.findall(r"^def test_(\w+)\(", source, re.MULTILINE))


def test_there_are_103_cases() -> None:
    assert (len(FAULTS), len(HELD)) == (36, 67)


@pytest.mark.parametrize("case", [*FAULTS.values(), *HELD], ids=[*FAULTS, *(name for name, _ in HELD)])
def test_every_case_has_a_test_that_exists(case: Case) -> None:
    name, tests = case
    assert bool(tests) == (name not in WITHOUT_A_TEST)
    for test in tests.split():
        module, _, function = test.partition("::")
        assert function in _names_in(module)
