"""The services by pointer view: what they tell of the other publishers where the publisher has a part in it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import test_kills
import test_releasing
from nursery import Nursery
from story import Story
from test_kills import children

__all__ = ["children"]  # a fixture

pytestmark = pytest.mark.parametrize("target", ["pointer_view"], indirect=True)


@pytest.mark.parametrize(
    "told",
    [
        test_releasing.test_a_candidate_is_invisible_until_promoted_and_comes_back_by_a_roll_back,
        test_releasing.test_data_that_changed_after_the_gate_is_refused_inside_the_switch,
        test_releasing.test_a_plain_table_is_adopted_and_can_be_gone_back_to,
        test_releasing.test_reconcile_records_a_switch_that_happened_and_fences_one_that_did_not,
        test_releasing.test_what_readers_read_or_a_release_needs_cannot_be_taken_however_it_is_written,
        test_releasing.test_staging_again_while_the_candidate_goes_live_is_a_conflict_that_heals,
        test_releasing.test_the_store_follows_the_pointer_where_they_disagree,
        test_releasing.test_a_rolled_back_release_goes_live_again_only_with_a_reason,
    ],
    ids=lambda told: told.__name__.removeprefix("test_"),
)
def test_the_life_of_a_release(story: Story, told: Callable[[Story], None]) -> None:
    told(story)


def test_a_kill_at_any_step_tears_nothing_and_the_retry_finishes(story: Story, children: Nursery) -> None:
    test_kills.test_a_kill_at_any_step_tears_nothing_and_the_retry_finishes(story, children, "promote")
