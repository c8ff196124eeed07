import pytest
from shared.testing.bus_conformance import every_partition_gets_each_mark_in_order_between_the_right_facts as t
from tests.shared.bus_cases import LogCase
@pytest.mark.parametrize("n", range(60))
async def test_x(database, n):
    async with LogCase.open(database) as case:
        await t(case)
