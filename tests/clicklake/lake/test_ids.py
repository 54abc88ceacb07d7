"""Event ids as 16 bytes, and sets of them that lie on disk."""

from collections import Counter
from contextlib import closing
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clicklake.lake import event_ids as ids
from clicklake.lake.event_ids import PARTITIONS, DiskIdSet, to_id, to_ids

ANY_ID = st.uuids().map(str) | st.text(max_size=40) | st.text("0123456789abcdef- ", min_size=36, max_size=36)


@given(st.lists(ANY_ID, max_size=200))
def test_many_are_packed_as_each_alone(event_ids: list[str]) -> None:
    assert to_ids(event_ids) == [to_id(each) for each in event_ids]


@given(st.lists(st.uuids(), max_size=200))
def test_a_uuid_is_packed_as_it_is(uuids: list[UUID]) -> None:
    assert to_ids([str(each) for each in uuids]) == [each.bytes for each in uuids]


@given(st.lists(st.lists(st.binary(min_size=16, max_size=16), max_size=60), max_size=8), st.integers(16, 500))
def test_all_that_was_added_is_in_the_slices_doubles_and_all(added: list[list[bytes]], spill: int) -> None:
    with pytest.MonkeyPatch.context() as patch, closing(DiskIdSet()) as spilled:
        patch.setattr(ids, "SPILL_BYTES", spill)
        for some in added:
            spilled.add(some)
        slices = [spilled.partition(number) for number in range(PARTITIONS)]
    expected = Counter(each for some in added for each in some)
    assert Counter(each for one in slices for each in one) == expected
    assert spilled.count == expected.total()
    assert sum(len(set(one)) for one in slices) == len(expected)  # like with like
