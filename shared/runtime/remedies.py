"""What each problem code means and what to do about it (原因与处理办法), Chinese first."""

from __future__ import annotations

from typing import Final

_LATER = (
    "对方可能尚未上报。稍后用同样的 id 重发。",
    "The other side may not have posted yet. Send the same id again later.",
)
_REGISTER = (
    "先由省级医保部门登记, 再重发。",
    "Have it registered by the province first, then send again.",
)

REMEDIES: Final[dict[str, tuple[str, str]]] = {
    # of a request
    "actor_header_refused": ("此环境不接受 X-Jicai-Actor, 请使用签名请求。", "This installation does not take X-Jicai-Actor; sign your requests."),
    "actor_malformed": ("请求头 X-Jicai-Actor 形如 hospital:H36010200001 或 bureau:360000/zhang。", "X-Jicai-Actor reads hospital:H36010200001 or bureau:360000/zhang."),
    "actor_missing": ("加上请求头 X-Jicai-Actor。", "Send the header X-Jicai-Actor."),
    "all_rejected": ("本批事件全部被拒绝, 逐条原因见 results。", "Every event of the batch was rejected; results says why, one by one."),
    "batch_too_large": ("一批至多 1,000 个事件、4 MiB。分批发送。", "At most 1,000 events and 4 MiB a batch. Send it in parts."),
    "binary_mode": ("使用结构化 JSON 的 CloudEvents。", "Send CloudEvents as structured JSON."),
    "cursor_epoch": ("游标早于一次数据恢复。从头读取变更流, 并用对账接口核对。", "The cursor is from before a restore. Read from the beginning and reconcile."),
    "forbidden": ("该角色无权执行此操作。", "You may see this, but not do it."),
    "internal": ("系统内部错误。带上 trace_id 联系运维; 可以用同样的 id 重发。", "An error of ours. Report it with its trace_id; the same ids may be sent again."),
    "malformed": ("内容格式不符合接口约定。按 pointer 指出的位置修改后重发; 被拒绝的事件编号未被占用。", "A value does not have the agreed form. Mend what the pointer names and send again."),
    "malformed_gzip": ("压缩内容损坏或不完整, 重新压缩后发送。", "The gzip body is broken or cut off. Compress and send it again."),
    "malformed_json": ("请求体不是有效的 JSON。", "The body is not JSON."),
    "method_not_allowed": ("该地址不支持此方法。", "This path does not take this method."),
    "not_found": ("不存在, 或您无权查看。", "It does not exist, or you may not see it."),
    "not_ready": ("服务尚未就绪, 原因见 wrong。", "The service is not ready; wrong says why."),
    "not_settled": ("有消费者未跟上, 详见 /readyz。", "Some consumer has not caught up; see /readyz."),
    "time_backwards": ("沙箱时间只能向前。", "The sandbox's time only moves forward."),
    "unauthenticated": ("请使用签名请求。", "Sign your requests."),
    "unavailable": ("数据库暂不可用。稍后用同样的 id 重发, 已登记的会回答 duplicate。", "The database is away. Send the same ids again later; what was recorded answers duplicate."),
    "unknown_sheet": ("认不出这张表。对照导入说明中的列名, 或用 kind 参数指明。", "The sheet was not recognised. Compare its headings with the import page, or say kind."),
    "unknown_subject": ("该编号未登记为此类主体。", "This id is not registered as that kind."),
    "unreadable_sheet": ("文件无法读取, 另存为 XLSX 或 UTF-8 CSV 再试。", "The file cannot be read. Save it as XLSX or UTF-8 CSV and try again."),
    "unsupported_encoding": ("只支持 gzip 压缩。", "Only gzip is taken."),
    "unsupported_media_type": ("使用 application/cloudevents+json 或 application/cloudevents-batch+json。", "Use application/cloudevents+json or application/cloudevents-batch+json."),
    "window_not_complete": ("统计期尚未结束, 或起始日晚于 as_of。", "The window is not complete yet, or begins after as_of."),
    # of an event
    "already_answered": ("已经响应过, 第一次响应有效。", "Answered already; the first answer stands."),
    "already_arrived": ("该配送单已报到货。", "The arrival of this delivery is recorded."),
    "already_cancelled": ("该明细已经撤销。", "The line was cancelled before."),
    "already_dispatched": ("该明细已发货, 不能撤销; 可在验收时拒收或退货。", "The line was dispatched; reject it at receipt or return it."),
    "already_exists": ("该编号在本订单中已使用, 请换用新编号。", "This id was used before in this order; take a new one."),
    "already_received": ("该配送单已验收, 一张配送单只验收一次。", "This delivery has been received; it is received once."),
    "conflicting_duplicate": ("同一编号已登记过不同的内容。如确为新事实, 换用新的 id。", "This id was recorded with other content. If the fact is new, use a new id."),
    "line_cancelled": ("该明细已撤销。", "The line was cancelled."),
    "line_void": ("该明细因超期未发货已作废, 请医院重新下单。", "The line became void; the hospital may order again."),
    "not_yours": ("source、角色或订单不属于发送方。", "The source, the role or the order is not the sender's."),
    "nothing_to_cancel": ("没有可以撤销的明细。", "No line can be cancelled any more."),
    "occurred_in_future": ("发生时间晚于当前时间 5 分钟以上, 请校准时钟。", "The time lies more than 5 minutes ahead; check your clock."),
    "order_exists": ("订单编号已使用, 请换用新编号。", "This order exists; take a new id."),
    "product_suspended": ("该产品已暂停挂网或撤网, 不能下单。", "The product's listing is suspended or delisted."),
    "quantity_mismatch": ("验收须逐条列出该配送单的明细, 合格与拒收之和等于发货数量。", "A receipt names every line of its delivery, accepted + rejected = dispatched."),
    "required_by_in_past": ("要求到货时间早于下单时间。", "required_by lies before the order's time."),
    "return_exceeds_receipt": ("退货数量超过验收合格数量。", "More goes back than was accepted."),
    "unknown_batch": _REGISTER,
    "unknown_delivery": _LATER,
    "unknown_distributor": _REGISTER,
    "unknown_hospital": _REGISTER,
    "unknown_line": ("订单中没有这一明细。", "The order has no such line."),
    "unknown_manufacturer": _REGISTER,
    "unknown_order": _LATER,
    "unknown_product": _REGISTER,
    "unknown_receipt": _LATER,
    "unknown_return": _LATER,
}  # fmt: skip
