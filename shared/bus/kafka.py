"""Kafka behind the port: the only file that knows the client library.

Kafka is transport, PostgreSQL is the truth. What was learned of the client by trying is said where
it matters.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any, Final

from aiokafka import (
    AIOKafkaConsumer,
    AIOKafkaProducer,
    ConsumerRebalanceListener,
    TopicPartition,
)
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.conn import collect_hosts, create_conn
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import (
    IllegalStateError,
    KafkaConnectionError,
    KafkaError,
    OffsetOutOfRangeError,
)

from shared.bus.address import KafkaAddress
from shared.bus.group import Assignments, Fetched, GroupSubscription, PartitionId
from shared.bus.wire import Message
from shared.events.topics import COMPACTED

BATCH_BYTES: Final = 256 * 1024
RECORD_BYTES_MAX: Final = 8 * 1024 * 1024
FETCH_MAX: Final = 2000
FETCH_WAIT_MS: Final = 100
"""How long the broker may hold an empty fetch: a seek waits so long at most."""
STOP_SECONDS: Final = 3.0
FETCH_PATIENCE: Final = 2.0
TOPIC_EXISTS: Final = 36
REFUSAL_MS: Final = 5000
"""How long one broker may take to say why it does not take us."""


KafkaFault = KafkaError
"""What any question to a broker may raise."""


class FactsGone(Exception):
    """Records behind a cursor have been deleted by retention: the projection must be rebuilt."""


class KafkaBus:
    """Facts over a broker; each subscription is a member of its service's group."""

    def __init__(self, address: KafkaAddress) -> None:
        self._address = address

    def subscribe(self, group: str, topics: Sequence[str]) -> GroupSubscription:
        """Read `topics` as `group`, together with its other members."""
        member = KafkaMember(self._address, group, topics)
        return GroupSubscription(member, group, topics, partitions=self._address.partitions)

    def publisher(self) -> KafkaPublisher:
        """What a relay writes with."""
        return KafkaPublisher(self._address)

    async def missing(self, topics: Sequence[str]) -> list[str]:
        """Those that the broker does not have; raises where it does not answer."""
        async with _admin(self._address) as admin:
            there = set(await admin.list_topics())
        return [t for t in topics if self._address.topic_prefix + t not in there]

    async def apply_topics(
        self, topics: Sequence[str], *, replication: int = 1, retention_days: int = 365
    ) -> list[str]:
        """Make those that are missing; those that are there stay as they are."""
        wanted = [
            NewTopic(
                self._address.topic_prefix + topic,
                self._address.partitions,
                replication,
                topic_configs=_config(topic, retention_days),
            )
            for topic in topics
        ]
        async with _admin(self._address) as admin:
            answer = await admin.create_topics(wanted)
        wrong = [e for e in answer.topic_errors if e[1] not in (0, TOPIC_EXISTS)]
        if wrong:
            raise RuntimeError(f"topics could not be made: {wrong}")
        return [e[0] for e in answer.topic_errors if e[1] == 0]

    async def drop_topics(self, topics: Sequence[str]) -> None:
        """Delete them and all that stands on them."""
        async with _admin(self._address) as admin:
            await admin.delete_topics([self._address.topic_prefix + t for t in topics])

    async def tail(
        self, topics: Sequence[str], behind: Mapping[PartitionId, int], *, last: int | None
    ) -> AsyncIterator[tuple[PartitionId, Sequence[Fetched]]]:
        """The last records of every partition of these topics, without `last` all, behind an offset."""
        reader = KafkaTail(self._address)
        try:
            await reader.start(topics, behind, last)
            while not reader.is_done:
                for place, records in (await reader.fetch()).items():
                    yield place, records
        finally:
            await reader.close()

    async def offsets(self, topics: Sequence[str]) -> Mapping[PartitionId, int]:
        """The offsets behind everything that stands on these topics now."""
        member = KafkaMember(self._address, "", topics)
        try:
            return await member.ends(_partitions(self._address, topics))
        finally:
            await member.close()

    async def ends(self, group: str, topics: Sequence[str]) -> dict[str, str]:
        """The cursors behind everything that stands on these topics now."""
        subscription = self.subscribe(group, topics)
        try:
            return await subscription.ends()
        finally:
            await subscription.close()


class KafkaMember(ConsumerRebalanceListener):  # type: ignore[misc]  # untyped library
    """One client in a group, and a second connection for questions.

    On the first one a question would wait behind an empty fetch that the broker holds.
    """

    def __init__(self, address: KafkaAddress, group: str, topics: Sequence[str]) -> None:
        self._address = address
        self._group = group
        self._topics = topics
        self._client: AIOKafkaConsumer | None = None
        self._asking: AIOKafkaConsumer | None = None
        self._told: Assignments | None = None

    async def start(self, streams: Assignments) -> None:
        """Join the group."""
        self._told = streams
        self._client = AIOKafkaConsumer(
            **self._address.client(),
            group_id=self._address.group_prefix + self._group,
            enable_auto_commit=False,
            auto_offset_reset="none",
            session_timeout_ms=self._address.session_timeout_ms,
            # A member that ends while the group shares out anew would hold all others up so long;
            # the client's own five minutes are for batches that last minutes, ours last a second.
            rebalance_timeout_ms=self._address.session_timeout_ms,
            heartbeat_interval_ms=min(3000, self._address.session_timeout_ms // 3),
            max_partition_fetch_bytes=RECORD_BYTES_MAX,
            fetch_max_wait_ms=FETCH_WAIT_MS,
            # Equal numbers of different topics go to one member: an order's facts stay together.
            partition_assignment_strategy=(RangePartitionAssignor,),
        )
        topics = [self._address.topic_prefix + topic for topic in self._topics]
        self._client.subscribe(topics, listener=self)
        await self._client.start()

    async def fetch(
        self, places: Sequence[PartitionId], seconds: float
    ) -> Mapping[PartitionId, Sequence[Fetched]]:
        """What has been fetched of these places, or is within so many seconds."""
        if self._client is None:
            return {}
        try:
            # While the group shares out the client waits inside, and not by our clock.
            async with asyncio.timeout(seconds + FETCH_PATIENCE):
                fetched = await self._client.getmany(
                    *(_theirs(self._address, place) for place in places),
                    timeout_ms=int(seconds * 1000),
                    max_records=FETCH_MAX,
                )
        except TimeoutError:
            return {}
        except OffsetOutOfRangeError as error:
            raise FactsGone(
                f"主题记录已过保留期, 需要重建 / records were deleted by retention: {error}"
            ) from error
        return {
            _ours(self._address, tp): [Fetched(m.offset, m.headers, m.value) for m in messages]
            for tp, messages in fetched.items()
        }

    def go_to(self, place: PartitionId, offset: int) -> bool:
        """Fetch from here on; False for a place that is revoked at this moment."""
        if self._client is None:
            return False
        try:
            self._client.seek(_theirs(self._address, place), offset)
            self._client.resume(_theirs(self._address, place))
        except IllegalStateError:
            return False
        return True

    async def ends(self, places: Iterable[PartitionId]) -> Mapping[PartitionId, int]:
        """The offsets behind the last records."""
        found = await (await self._asker()).end_offsets(
            {_theirs(self._address, place) for place in places}
        )
        return {_ours(self._address, tp): offset for tp, offset in found.items()}

    async def beginning(self, place: PartitionId) -> int:
        """The offset of the oldest record."""
        tp = _theirs(self._address, place)
        return int((await (await self._asker()).beginning_offsets([tp]))[tp])

    async def close(self) -> None:
        """Leave the group."""
        clients, self._client, self._asking = (self._client, self._asking), None, None
        for client in clients:
            if client is not None:
                await _stop(client)

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """The group takes these away."""
        if self._told is not None:
            self._told.revoked([_ours(self._address, tp) for tp in revoked])

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """The group gives us these; paused until the consumer says where it stands."""
        for tp in assigned:
            if self._client is not None:
                self._client.seek(tp, 0)
                self._client.pause(tp)
        if self._told is not None:
            self._told.assigned([_ours(self._address, tp) for tp in assigned])

    async def _asker(self) -> AIOKafkaConsumer:
        if self._asking is None:
            client = AIOKafkaConsumer(**self._address.client())
            try:
                await client.start()
            except BaseException:
                await client.stop()
                raise
            self._asking = client
        return self._asking


class KafkaTail:
    """Reads topics once from an offset up to where they end now, in no group."""

    def __init__(self, address: KafkaAddress) -> None:
        self._address = address
        self._client = AIOKafkaConsumer(
            **address.client(),
            max_partition_fetch_bytes=RECORD_BYTES_MAX,
            fetch_max_wait_ms=FETCH_WAIT_MS,
        )
        self.ends: dict[TopicPartition, int] = {}

    async def start(
        self, topics: Sequence[str], behind: Mapping[PartitionId, int], last: int | None
    ) -> None:
        """Find the ends, and stand where reading begins."""
        await self._client.start()
        at = {_theirs(self._address, one): one for one in _partitions(self._address, topics)}
        first = await self._client.beginning_offsets(list(at))
        ends = await self._client.end_offsets(list(at))
        begin = {
            tp: max(first[tp], behind.get(p, 0), 0 if last is None else ends[tp] - last)
            for tp, p in at.items()
        }
        self.ends = {tp: end for tp, end in ends.items() if begin[tp] < end}
        self._client.assign(list(self.ends))
        for tp in self.ends:
            self._client.seek(tp, begin[tp])

    @property
    def is_done(self) -> bool:
        """Everything up to the ends has been handed out."""
        return not self.ends

    async def fetch(self) -> dict[PartitionId, Sequence[Fetched]]:
        """The next records of some partitions."""
        found: dict[PartitionId, Sequence[Fetched]] = {}
        fetched = await self._client.getmany(
            *self.ends, timeout_ms=FETCH_WAIT_MS, max_records=FETCH_MAX
        )
        for tp, messages in fetched.items():
            found[_ours(self._address, tp)] = [
                Fetched(m.offset, m.headers, m.value) for m in messages if m.offset < self.ends[tp]
            ]
        # By where it stands, not by what came: compaction leaves gaps, also at the end.
        for tp in list(self.ends):
            if await self._client.position(tp) >= self.ends[tp]:
                del self.ends[tp]
        return found

    async def close(self) -> None:
        """Let go of the broker."""
        await _stop(self._client)


class KafkaPublisher:
    """Writes batches in order, idempotent, all replicas asked; after any failure it starts anew.

    One batch that fails leaves the client's sequence broken for that partition for ever, and a
    caller that gives up and sends again gets both: so sends are never timed, and a producer that
    has failed is thrown away.
    """

    def __init__(self, address: KafkaAddress) -> None:
        self._address = address
        self._producer: AIOKafkaProducer | None = None

    async def publish(self, messages: Sequence[Message]) -> None:
        """Return when every record is acknowledged; raise when any may be missing."""
        producer = await self._started()
        try:
            waiting = [
                await producer.send_batch(batch, topic, partition=partition)
                for topic, partition, batch in self._batches(producer, messages)
            ]
            await asyncio.gather(*waiting)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Throw the producer away."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await _stop(producer)

    async def _started(self) -> AIOKafkaProducer:
        if self._producer is None:
            producer = AIOKafkaProducer(
                **self._address.client(),
                acks="all",
                enable_idempotence=True,
                max_batch_size=BATCH_BYTES,
                max_request_size=RECORD_BYTES_MAX,
            )
            try:
                await producer.start()
            except BaseException:
                await producer.stop()
                raise
            self._producer = producer
        return self._producer

    def _batches(
        self, producer: AIOKafkaProducer, messages: Sequence[Message]
    ) -> list[tuple[str, int, Any]]:
        """One batch a partition, and further ones where it is full; each builder is used once."""
        closed: list[tuple[str, int, Any]] = []
        building: dict[tuple[str, int], Any] = {}
        for m in messages:
            place = (self._address.topic_prefix + m.topic, m.partition)
            batch = building.get(place)
            if batch is None:
                batch = building[place] = producer.create_batch()
            record = {"timestamp": None, "key": m.key, "value": m.value, "headers": m.headers}
            if batch.append(**record) is None:
                closed.append((*place, batch))
                batch = building[place] = producer.create_batch()
                batch.append(**record)
        return closed + [(*place, batch) for place, batch in building.items()]


def _partitions(address: KafkaAddress, topics: Sequence[str]) -> list[PartitionId]:
    return [PartitionId(topic, n) for topic in topics for n in range(address.partitions)]


def _theirs(address: KafkaAddress, one: PartitionId) -> TopicPartition:
    """A partition as the client names it: its topic bears the installation's prefix there."""
    return TopicPartition(address.topic_prefix + one.topic, one.number)


def _ours(address: KafkaAddress, tp: TopicPartition) -> PartitionId:
    return PartitionId(tp.topic.removeprefix(address.topic_prefix), tp.partition)


async def _stop(client: Any) -> None:
    """End a client, however its broker is: one that is gone answers with its own cancelled tasks."""
    try:
        with contextlib.suppress(Exception):
            async with asyncio.timeout(STOP_SECONDS):
                await client.stop()
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise  # it is we who are told to end


def _config(topic: str, retention_days: int) -> dict[str, str]:
    common = {
        "max.message.bytes": str(RECORD_BYTES_MAX),
        # Facts may be dated long ago (imports, a sandbox): they are kept from the day they came.
        "message.timestamp.type": "LogAppendTime",
    }
    if topic in COMPACTED:
        return common | {"cleanup.policy": "compact"}
    return common | {"retention.ms": str(retention_days * 86_400_000)}


@contextlib.asynccontextmanager
async def _admin(address: KafkaAddress) -> AsyncIterator[Any]:
    admin = AIOKafkaAdminClient(**address.client())
    try:
        try:
            await admin.start()
        except KafkaConnectionError as error:
            raise KafkaConnectionError(await _refusals(address) or str(error)) from error
        yield admin
    finally:
        await admin.close()


async def _refusals(address: KafkaAddress) -> str:
    """Why no broker takes us: the client logs it and raises only that none did. Each is asked."""
    options = address.client()
    hosts = collect_hosts(options.pop("bootstrap_servers"))
    told = await asyncio.gather(*(_refusal(host, port, options) for host, port, _ in hosts))
    return "; ".join(filter(None, told))


async def _refusal(host: str, port: int, options: Mapping[str, Any]) -> str:
    """The innermost reason: a connection that was closed on us carries the alert as its cause."""
    try:
        connection = await create_conn(host, port, **options, request_timeout_ms=REFUSAL_MS)
    except (OSError, KafkaError) as error:
        reason: BaseException = error
        while reason.__cause__ is not None:
            reason = reason.__cause__
        if isinstance(reason, (EOFError, ConnectionResetError)):
            return f"{host}:{port} 中断连接, 安全协议或不相符 / hung up: another security protocol?"
        return f"{host}:{port} {str(reason) or type(reason).__name__}"
    connection.close()
    return ""
