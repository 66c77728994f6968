"""The coded values: one row per value with its Chinese name. A bureau adds values in `codes.toml`."""

from __future__ import annotations

from services.contracts.fields import Codes

HAZARD_LEVEL = Codes("hazard_level", {"general": "一般隐患", "major": "重大隐患", "unspecified": "未分级"})
HAZARD_MODE = Codes(
    "hazard_mode",
    {
        "inspection": "执法检查",
        "joint": "联合检查",
        "patrol": "风险源巡查",
        "campaign": "专项行动",
        "service_station": "服务站上门",
        "self": "企业自查",
    },
)
REPORTER_ROLE = Codes(
    "reporter_role", {"grid_worker": "网格员", "info_officer": "灾害信息员", "enterprise": "企业", "public": "群众"}
)
PROBLEM_LOOP = Codes("problem_loop", {"responsibility": "责任闭环", "handling": "处置闭环", "hazard": "隐患闭环"})
SENSOR_KIND = Codes(
    "sensor_kind",
    {
        "level": "液位",
        "pressure": "压力",
        "temperature": "温度",
        "gas": "气体浓度",
        "displacement": "位移",
        "flow": "流量",
    },
)
SITE_TYPE = Codes(
    "site_type", {"noncoal_mine": "非煤矿山", "tailings_pond": "尾矿库", "hazchem_enterprise": "危险化学品企业"}
)
MESSAGE_TYPE = Codes(
    "message_type", {"issue": "发布", "update": "更新", "cancel": "解除", "ack": "确认收到", "error": "退回"}
)
LEVEL_SOURCE = Codes("level_source", {"field": "级别字段", "text": "文字", "converted": "换算"})
MESSAGE_FORMAT = Codes("message_format", {"cap": "CAP 1.2", "guotu": "国突", "weather": "气象服务接口"})
WEATHER_HAZARD = Codes(
    "weather_hazard",
    {
        "rainstorm": "暴雨",
        "typhoon": "台风",
        "thunder_gale": "雷雨大风",
        "heat": "高温",
        "cold": "寒潮",
        "snow": "暴雪",
        "fog": "大雾",
        "convection": "强对流",
        "gale": "大风",
        "sandstorm": "沙尘暴",
        "lightning": "雷电",
        "hail": "冰雹",
        "frost": "霜冻",
        "haze": "霾",
        "road_icing": "道路结冰",
        "drought": "干旱",
        "tornado": "龙卷风",
        "geological": "地质灾害气象风险",
        "forest_fire": "森林火险",
        "other": "其他",
    },
)
WEATHER_LEVEL = Codes(
    "weather_level", {"blue": "蓝色", "yellow": "黄色", "orange": "橙色", "red": "红色", "none": "无级别"}
)
VIA = Codes("via", {"push": "推送", "poll": "轮询", "relay": "转发"})
PERIOD_KIND = Codes(
    "period_kind", {"festival": "节假日", "session": "重要会议活动", "heat": "高温时段", "typhoon": "台风汛期"}
)
RELAY_LEVEL = Codes("relay_level", {"street": "街道", "community": "社区", "grid": "网格"})
ENDED_HOW = Codes(
    "ended_how", {"cancelled": "解除", "expired": "到期", "vanished": "源头消失", "confirmed": "人工确认"}
)
SMS_PURPOSE = Codes("sms_purpose", {"weather": "气象预警", "safety": "安全提示", "duty": "值班值守"})
ENTERPRISE_SOURCE = Codes(
    "enterprise_source",
    {
        "development_reform": "发改",
        "approval": "行政审批",
        "industry": "工信",
        "statistics": "统计",
        "self": "自行登记",
    },
)
CONTROL_LEVEL = Codes("control_level", {"district": "区级管控", "street": "街道管控"})
GRADING_BASIS = Codes("grading_basis", {"risk": "安全风险", "credit": "信用"})
CHECKLIST = Codes("checklist", {"five_in_place": "五落实五到位", "twenty_rules": "二十条"})
INSURANCE_KIND = Codes("insurance_kind", {"safety_liability": "安全生产责任保险"})
INSPECTION_PLAN_KIND = Codes(
    "inspection_plan_kind", {"annual": "年度计划", "joint": "联合检查", "random": "双随机抽查"}
)
LIST_KIND = Codes("list_kind", {"joint": "联合检查"})
INSPECTION_MODE = Codes(
    "inspection_mode",
    {
        "routine": "日常检查",
        "double_random_intra": "部门内双随机",
        "double_random_cross": "跨部门双随机",
        "joint": "联合检查",
        "campaign": "专项检查",
        "unannounced": "四不两直",
        "cross": "交叉检查",
    },
)
OBSERVER_ROLE = Codes("observer_role", {"discipline": "纪检监察", "supervisor": "社会监督员", "media": "媒体"})
PARTY_TYPE = Codes("party_type", {"enterprise": "企业", "individual": "个人"})
CASE_BASIS = Codes("case_basis", {"major_hazard": "重大隐患", "violation": "违法行为", "accident": "事故"})
DISCUSSION_BODY = Codes("discussion_body", {"collective": "集体讨论", "committee": "案件审理委员会"})
RECORD_MEDIUM = Codes("record_medium", {"text": "文字", "audio": "音频", "video": "视频"})
PENALTY_KIND = Codes("penalty_kind", {"pre_accident": "事前处罚", "administrative": "行政处罚", "accident": "事故处罚"})
PENALTY_PROCEDURE = Codes("penalty_procedure", {"simple": "简易程序", "ordinary": "普通程序"})
MITIGATION = Codes("mitigation", {"lighter": "从轻", "reduced": "减轻", "exempt": "免罚"})
MITIGATION_BASIS = Codes("mitigation_basis", {"first_minor_list": "首违轻微清单", "minor_list": "轻微违法清单"})
TRANSFER_KIND = Codes("transfer_kind", {"clue": "线索", "case": "案件"})
TRANSFER_TO = Codes("transfer_to", {"police": "公安机关", "procuratorate": "检察机关"})
COERCION_KIND = Codes("coercion_kind", {"seal": "查封", "seize": "扣押", "power_cut": "停止供电"})
PERMIT_CHANNEL = Codes("permit_channel", {"online": "网上", "window": "窗口"})
PERMIT_LANE = Codes("permit_lane", {"normal": "普通", "green": "绿色通道"})
SLA_BOUND = Codes("sla_bound", {"min": "最短", "max": "最长"})
HOTLINE_CHANNEL = Codes(
    "hotline_channel", {"12345": "12345热线", "12350": "12350热线", "letter": "来信", "visit": "来访"}
)
TICKET_TYPE = Codes("ticket_type", {"help": "求助", "complaint": "投诉", "consultation": "咨询", "report": "举报"})
ACCIDENT_SEVERITY = Codes(
    "accident_severity",
    {"general": "一般事故", "serious": "较大事故", "major": "重大事故", "extraordinary": "特别重大事故"},
)
REPORT_STAGE = Codes("report_stage", {"first": "首报", "follow_up": "续报", "final": "终报"})
REPORT_METHOD = Codes("report_method", {"phone": "电话", "written": "书面"})
INCIDENT_KIND = Codes("incident_kind", {"disaster": "自然灾害", "accident": "事故灾难"})
EVACUATION_BASIS = Codes("evacuation_basis", {"cumulative": "累计", "current": "当前"})
HQ_TIER = Codes("hq_tier", {"general": "总指挥部", "specialised": "专项指挥部"})
SUPPORT_PARTNER = Codes("support_partner", {"district": "兄弟区县", "military": "部队", "fire": "消防救援"})
PLAN_TYPE = Codes(
    "plan_type",
    {
        "overall": "总体预案",
        "special": "专项预案",
        "department": "部门预案",
        "subdistrict": "镇街预案",
        "community": "社区预案",
        "enterprise": "企业预案",
    },
)
REVISION_REASON = Codes(
    "revision_reason", {"cycle": "周期到期", "parent_revised": "上级预案修订", "incident": "突发事件后"}
)
DRILL_MODE = Codes("drill_mode", {"table_top": "桌面推演", "live": "实战演练"})
TEAM_LEVEL = Codes(
    "team_level",
    {
        "city": "市级",
        "county": "县级",
        "township": "乡镇级",
        "district": "区级",
        "street": "街道级",
        "community": "社区级",
    },
)
TEAM_KIND = Codes(
    "team_kind", {"specialised": "专业突击", "support": "支援保障", "social": "社会力量", "militia": "民兵"}
)
STUDY_TYPE = Codes(
    "study_type",
    {"theory_center_group": "理论学习中心组", "three_meetings_one_lesson": "三会一课", "weekly": "每周学习"},
)
AWARD_KIND = Codes("award_kind", {"individual": "个人", "team": "团体", "work": "作品", "honour": "荣誉"})
PUBLICITY_TYPE = Codes(
    "publicity_type",
    {
        "consultation_day": "咨询日",
        "lecture": "宣讲",
        "quiz": "知识竞答",
        "livestream": "直播",
        "screening": "警示片展播",
        "art_show": "文艺演出",
        "forum": "论坛",
        "outreach": "宣传进基层",
    },
)
MATERIAL_ACTION = Codes("material_action", {"distributed": "发放", "made": "制作", "displayed": "展示"})
BULLETIN_KIND = Codes("bulletin_kind", {"news": "信息", "activity": "动态", "summary": "总结", "circular": "通报"})
POLICY_STEP = Codes("policy_step", {"review": "审核", "party_group": "党委会审议", "sign": "签发", "file": "备案"})
POLICY_OUTCOME = Codes("policy_outcome", {"retained": "保留", "amended": "修改", "repealed": "废止"})
POWER_CATEGORY = Codes(
    "power_category", {"penalty": "行政处罚", "compulsion": "行政强制", "reward": "行政奖励", "other": "其他权力"}
)
DECISION_STEP = Codes(
    "decision_step",
    {
        "participation": "公众参与",
        "experts": "专家论证",
        "risk": "风险评估",
        "legality": "合法性审查",
        "collective": "集体讨论决定",
    },
)
ADVISER_KIND = Codes("adviser_kind", {"government_lawyer": "公职律师", "external": "外聘法律顾问"})
PROPOSAL_BODY = Codes("proposal_body", {"peoples_congress": "人大建议", "cppcc": "政协提案"})
PROPOSAL_ROLE = Codes("proposal_role", {"lead": "主办", "assist": "协办"})
REPLY_GRADE = Codes("reply_grade", {"A": "A类", "B": "B类", "C": "C类"})
MEETING_KIND = Codes(
    "meeting_kind", {"party_committee": "党委会", "joint": "联席会议", "consultation": "会商会", "forum": "座谈会"}
)
RULE_BOUND = Codes("rule_bound", {"exact": "等于", "at_least": "不少于", "at_most": "不超过"})
LEADER_DUTY = Codes(
    "leader_duty",
    {"deploy": "部署", "ask": "过问", "coordinate": "协调", "supervise": "督办", "lecture": "宣讲", "account": "述法"},
)
RETRACTION_REASON = Codes(
    "retraction_reason",
    {
        "error": "误报",
        "duplicate": "重复",
        "not_ours": "非本单位职责",
        "exercise": "实为演练",
        "reclassified": "重新认定",
    },
)
CALLOUT_NEED = Codes("callout_need", {"any": "一人应答即可", "all": "须全部应答"})
ATTEMPT_RESULT = Codes(
    "attempt_result",
    {
        "handed": "已提交",
        "delivered": "已送达",
        "rung": "已振铃",
        "no_answer": "无人接听",
        "busy": "占线",
        "wrong_number": "号码错误",
        "failed": "失败",
    },
)
ANSWER_VIA = Codes(
    "answer_via",
    {
        "key": "语音按键",
        "sms": "短信回复",
        "link": "链接",
        "console": "控制台",
        "phone_recorded": "电话记录",
        "in_person": "当面",
    },
)
CALLOUT_ANSWER = Codes(
    "callout_answer",
    {"received": "收到", "need_support": "需支援", "no_answer": "未接", "refused": "拒绝", "wrong_number": "号码错误"},
)
CALLOUT_OUTCOME = Codes(
    "callout_outcome", {"answered": "已应答", "exhausted": "无人应答", "superseded": "已被取代", "lifted": "已解除"}
)
FIGURE_KIND = Codes("figure_kind", {"baseline": "历史基数", "manual": "人工填报"})
