"""The coded values: one row per value with its Chinese name. A bureau adds values in `codes.toml`."""

from __future__ import annotations

from services.contracts.fields import Codes

HAZARD_LEVEL = Codes("hazard_level", {"general": "一般隐患", "major": "重大隐患", "unspecified": "未分级"})
HAZARD_MODE = Codes(
    "hazard_mode",
    {
        "inspection": "执法检查", "joint": "联合检查", "patrol": "风险源巡查", "campaign": "专项行动",
        "service_station": "服务站上门", "self": "企业自查",
    },
)  # fmt: skip
